import { join } from 'node:path';
import type { Progress } from '../cluster/src/progress.ts';
import type { Part } from '../cluster/src/binaries.ts';
import { ensureBinaries } from '../cluster/src/binaries.ts';

const quietProgress: Progress = { line: () => {}, step: async (_what, work) => await work(), seconds: () => 0 };

/** The path of a program that is built from a pinned Go module, or was before. */
export async function builtProgram(part: Part, name: string): Promise<string> {
  const built = await ensureBinaries([part], quietProgress);
  return join(built[part], name);
}
