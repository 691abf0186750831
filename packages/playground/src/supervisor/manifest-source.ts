import { ManifestDirectory } from '@tulle/manifests';
import type { ManifestProblem, ManifestSnapshot } from '@tulle/manifests';
import type { Logger } from '@tulle/core';
import type { ManifestObject } from '../cluster/wishes.ts';
import type { PlaygroundProblem } from '../state.ts';

/** What a directory of manifests holds now. */
export interface ManifestView {
  readonly objects: readonly ManifestObject[];
  readonly problems: readonly PlaygroundProblem[];
}

/** Reads the manifests of a directory, calls `onChange` with them, and again whenever they change. */
export async function openManifests(
  directory: string,
  logger: Logger,
  onChange: (view: ManifestView) => void,
): Promise<AsyncDisposable> {
  const told = (snapshot: ManifestSnapshot) => onChange(viewOf(snapshot));
  let isOpen = false;
  const opened = await ManifestDirectory.open(directory, {
    logger,
    // The first state is handed over below, whether or not it is an empty one.
    onChange: (snapshot) => {
      if (isOpen) told(snapshot);
    },
  });
  isOpen = true;
  told(opened.snapshot);
  return opened;
}

function viewOf(snapshot: ManifestSnapshot): ManifestView {
  return {
    objects: [...snapshot.objects.values()].map(({ object, file, line }) => ({ object, file, line })),
    problems: snapshot.problems.map(problemOf),
  };
}

/** Kinds that make pods in Kubernetes. To ignore them like other unknown kinds would leave out what was asked for. */
const podMakers = new Set(['StatefulSet', 'DaemonSet', 'ReplicaSet', 'ReplicationController', 'Job', 'CronJob']);

/** A manifest's problem as the playground shows it. */
export function problemOf(problem: ManifestProblem): PlaygroundProblem {
  const { file, line, object, path, message } = problem;
  const place = { file, line, ...(object === undefined ? {} : { object }) };
  if (podMakers.has(object?.split(' ')[0] ?? '') && problem.severity === 'warning') {
    return { ...place, severity: 'error', message: 'is not supported in a playground: Pods and Deployments are' };
  }
  return { ...place, severity: problem.severity, message: path === undefined ? message : `${path}: ${message}` };
}
