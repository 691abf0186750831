import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cacheDirectory } from '@tulle/images';
import { run } from '../cluster/src/process.ts';

const installTimeoutMs = 300_000;

/** The Python of an environment with just these packages (`name==version`), which is made when it is not there yet. */
export async function pythonWith(name: string, packages: readonly string[]): Promise<string> {
  const folder = join(cacheDirectory(), 'python', `${name}-${packages.join('-').replaceAll('==', '-')}`);
  const python = join(folder, 'bin', 'python3');
  if (existsSync(python)) return python;
  const staging = `${folder}.${process.pid}.tmp`;
  mkdirSync(dirname(folder), { recursive: true });
  try {
    await run(['python3', '-m', 'venv', staging], { timeoutMs: installTimeoutMs });
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--only-binary=:all:', ...packages];
    await run([join(staging, 'bin', 'python3'), ...pip], { timeoutMs: installTimeoutMs });
    // Made beside and renamed: what is there under the final name is whole.
    renameSync(staging, folder);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
  return python;
}
