import { readFileSync, readdirSync, watch } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { ManifestObject } from '../cluster/wishes.ts';
import type { PlaygroundProblem } from '../state.ts';

/** What a directory of manifests holds now. */
export interface ManifestView {
  readonly objects: readonly ManifestObject[];
  readonly problems: readonly PlaygroundProblem[];
}

/** INTERIM */
export function openManifests(directory: string, onChange: (view: ManifestView) => void): Promise<Disposable> {
  const read = (): ManifestView => {
    const objects: ManifestObject[] = [];
    for (const file of readdirSync(directory).sort()) {
      if (!/\.ya?ml$/.test(file)) continue;
      for (const document of parseAllDocuments(readFileSync(join(directory, file), 'utf8'))) {
        const object = document.toJS();
        if (object === null) continue;
        if (object.kind !== 'Namespace') object.metadata.namespace ??= 'default';
        if (object.kind === 'Deployment') object.spec.replicas ??= 1;
        if (object.kind === 'Service') {
          object.spec.type ??= 'ClusterIP';
          for (const port of object.spec.ports ?? []) port.protocol ??= 'TCP';
        }
        objects.push({ object, file, line: 1 });
      }
    }
    return { objects, problems: [] };
  };
  onChange(read());
  let timer: NodeJS.Timeout | undefined;
  const watcher = watch(directory, () => {
    clearTimeout(timer);
    timer = setTimeout(() => onChange(read()), 20);
  });
  return Promise.resolve({ [Symbol.dispose]: () => watcher.close() });
}
