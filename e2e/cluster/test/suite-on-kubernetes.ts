import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Manifest } from '../../routes/model.ts';

/** The label that says that a namespace is the suite's, so that it may be deleted. */
export const mark = 'e2e.tulle.dev/suite';

const programs = { name: 'suite-programs', directory: '/programs' } as const;
const routePrograms = join(import.meta.dirname, '../../routes/programs');
const idleProgram = join(import.meta.dirname, '../../test/programs/idle.mjs');

interface Metadata {
  readonly creationTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

interface Container {
  readonly ports?: readonly { readonly containerPort: number }[];
}

/** A namespace as the suite's. */
export function marked(namespace: Manifest): Manifest {
  const { labels, ...metadata } = namespace['metadata'] as Metadata;
  return { ...namespace, metadata: { ...metadata, labels: { ...labels, [mark]: 'routes' } } };
}

/** The programs of the suite's pods, for one namespace. */
export function programsOf(namespace: string): Manifest {
  const files = [...readdirSync(routePrograms).map((file) => join(routePrograms, file)), idleProgram];
  const data = Object.fromEntries(files.map((file) => [basename(file), readFileSync(file, 'utf8')]));
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: programs.name, namespace }, data };
}

/**
 * An object of the suite as Kubernetes needs it. Where the playground has one, a pod needs an image and its programs;
 * where the playground looks whether ports accept, it needs a probe.
 */
export function asOnKubernetes(object: Manifest, image: string): Manifest {
  if (object['kind'] !== 'Pod') return object;
  const spec = object['spec'] as { readonly containers: readonly Container[] };
  const containers = spec.containers.map((container) => ({
    ...container,
    image,
    workingDir: programs.directory,
    volumeMounts: [{ name: programs.name, mountPath: programs.directory }],
    ...probeOf(container),
  }));
  const volumes = [{ name: programs.name, configMap: { name: programs.name } }];
  return { ...object, spec: { ...spec, containers, volumes, terminationGracePeriodSeconds: 0 } };
}

function probeOf({ ports: [first] = [] }: Container): object {
  if (first === undefined) return {};
  return { readinessProbe: { tcpSocket: { port: first.containerPort }, periodSeconds: 1 } };
}

/**
 * Objects by the time at which they say that they were made, those that say nothing first. The time itself is left out:
 * an API server writes its own.
 */
export function byAge(objects: readonly Manifest[]): Manifest[][] {
  const groups = new Map<string, Manifest[]>([['', []]]);
  for (const object of objects) {
    const { creationTimestamp = '', ...metadata } = object['metadata'] as Metadata;
    const group = groups.get(creationTimestamp) ?? [];
    group.push({ ...object, metadata });
    groups.set(creationTimestamp, group);
  }
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
}
