import { createHash } from 'node:crypto';
import type { PodSpec } from './pod-spec.ts';

/** A pod of a Deployment, as far as the number of pods depends on it. */
export interface DeploymentPod {
  readonly name: string;
  /** Of the template that it was made from. */
  readonly hash: string;
  readonly ready: boolean;
  readonly createdAt: string;
}

/** What to do so that a Deployment comes closer to what it asks for. */
export interface DeploymentStep {
  /** How many pods of the present template to make. */
  readonly create: number;
  /** The names of pods to delete. */
  readonly remove: readonly string[];
}

/**
 * The next step of a Deployment, by the rules of a rolling update: while pods of an older template exist, there may be
 * a quarter more pods than asked for (at least one), and a ready pod goes only when the others that are ready are
 * enough (`maxSurge: 25%`, `maxUnavailable: 0`). `pods` are those that are not being deleted.
 */
export function planDeployment(replicas: number, hash: string, pods: readonly DeploymentPod[]): DeploymentStep {
  const current = pods.filter((pod) => pod.hash === hash);
  const old = pods.filter((pod) => pod.hash !== hash);
  const remove: string[] = [];
  // The first to go: what does not work, then what is youngest.
  const byWorth = (a: DeploymentPod, b: DeploymentPod) =>
    Number(a.ready) - Number(b.ready) || (a.createdAt < b.createdAt ? 1 : -1);
  const excess = [...current].sort(byWorth).slice(0, Math.max(0, current.length - replicas));
  remove.push(...excess.map((pod) => pod.name));
  const surplusReady = pods.filter((pod) => pod.ready).length - excess.filter((pod) => pod.ready).length - replicas;
  let mayGo = Math.max(0, surplusReady);
  for (const pod of [...old].sort(byWorth)) {
    if (pod.ready && mayGo-- <= 0) continue;
    remove.push(pod.name);
  }
  const limit = replicas + (old.length === 0 ? 0 : Math.max(1, Math.ceil(replicas / 4)));
  const left = pods.length - remove.length;
  const create = Math.max(0, Math.min(replicas - current.length, limit - left));
  return { create, remove };
}

/**
 * The hash of a pod template. Labels and annotations are not part of it: a playground changes them in place, so that
 * a pod can join or leave the mesh without being restarted.
 */
export function templateHash(spec: PodSpec): string {
  return createHash('sha256').update(JSON.stringify(spec)).digest('hex').slice(0, 10);
}

/** Letters that make no words, as in Kubernetes' own names. */
const nameLetters = 'bcdfghjklmnpqrstvwxz2456789';

/** A name for a new pod of a Deployment: `NAME-HASH-SUFFIX`, at most 63 characters. */
export function deploymentPodName(deployment: string, hash: string, random: (below: number) => number): string {
  const suffix = Array.from({ length: 5 }, () => nameLetters[random(nameLetters.length)]).join('');
  return `${deployment.slice(0, 63 - hash.length - suffix.length - 2)}-${hash}-${suffix}`;
}
