import { join } from 'node:path';
import { CodedError } from '@tulle/core';

/** Where the pieces that make the cluster come from in this repository. */
export const sourceDirectory = join(import.meta.dirname, '..');

/** The root of this checkout. */
export const repository = join(sourceDirectory, '../..');

/** The most nodes a cluster may have: each costs some 300 MB of memory and a share of the machine's cores. */
const maximumNodes = 9;

/** The address plan. All of it lives in network namespaces of the cluster's own, so nothing of the host's clashes. */
export const addresses = {
  apiServer: '10.89.0.1',
  apiServerPort: 6443,
  apiServerService: '10.96.0.1',
  dnsService: '10.96.0.10',
  nodePrefixLength: 24,
  podRange: '10.244.0.0/16',
  serviceRange: '10.96.0.0/16',
} as const;

/** The folder of what belongs to running clusters: one folder each. */
export const clustersDirectory = '/var/lib/tulle-cluster';

/** The cluster that commands mean when none is named: that of TULLE_CLUSTER, so that a shell may have one of its own. */
export function defaultClusterName(): string {
  return process.env['TULLE_CLUSTER'] ?? 'main';
}

/** A node of the cluster: a machine made of namespaces. */
export interface NodePlan {
  readonly name: string;
  readonly address: string;
  readonly podRange: string;
}

/** One cluster: what it is named, how many nodes it has and where its files are. */
export interface ClusterPlan {
  readonly name: string;
  readonly nodes: readonly NodePlan[];
  /** Everything of a running cluster: removed by `down`. */
  readonly stateDirectory: string;
  readonly logDirectory: string;
  readonly kubeconfig: string;
}

/**
 * The plan of a cluster named `name` with `nodeCount` nodes.
 *
 * @throws CodedError `cluster-name`, `cluster-nodes`
 */
export function planCluster(name: string, nodeCount: number): ClusterPlan {
  if (!/^[a-z][a-z0-9-]{0,19}$/.test(name)) {
    throw new CodedError('cluster-name', `"${name}" is no name for a cluster: 1 to 20 of a-z, 0-9 and "-"`);
  }
  if (!Number.isInteger(nodeCount) || nodeCount < 1 || nodeCount > maximumNodes) {
    throw new CodedError('cluster-nodes', `a cluster has 1 to ${maximumNodes} nodes`);
  }
  const stateDirectory = join(clustersDirectory, name);
  return {
    name,
    nodes: Array.from({ length: nodeCount }, (_, index) => planNode(index + 1)),
    stateDirectory,
    logDirectory: join(stateDirectory, 'logs'),
    kubeconfig: join(stateDirectory, 'kubeconfig'),
  };
}

/** Where the API server writes down what the mesh asked of it: one JSON event a line. */
export function auditLogOf({ logDirectory }: Pick<ClusterPlan, 'logDirectory'>): string {
  return join(logDirectory, 'control-audit.log');
}

function planNode(number: number): NodePlan {
  return { name: `n${number}`, address: `10.89.0.${10 + number}`, podRange: `10.244.${number}.0/24` };
}
