import { findMachines, isRunning } from './machine.ts';
import { inClusterNetwork, kubectlFor } from './kubectl.ts';
import type { ClusterPlan } from './settings.ts';
import { readState, runningCluster } from './state.ts';

/** What `cluster:status -o json` prints. */
export interface ClusterStatus {
  readonly name: string;
  readonly up: boolean;
  readonly kubeconfig: string;
  readonly logs: string;
  readonly nodes: readonly { readonly name: string; readonly address: string; readonly ready: boolean }[];
  /** Machines with the host's path of their network namespace, for captures and for `nsenter`. */
  readonly machines: readonly { readonly name: string; readonly initPid: number; readonly netns: string }[];
  readonly parts: readonly { readonly name: string; readonly running: boolean; readonly log: string }[];
  /** The words before a command that make it run in the network that the API server is in. */
  readonly run: readonly string[];
}

/** How the cluster is now: it is up when every part runs and every node is ready. */
export async function clusterStatus(plan: ClusterPlan): Promise<ClusterStatus> {
  const state = await readState(plan);
  const machines = findMachines(plan);
  const control = machines.find(({ name }) => name === 'control');
  const parts = (state?.parts ?? []).map((part) => ({
    name: part.name,
    running: isRunning(part),
    log: part.logFile,
  }));
  const ready = state === undefined || control === undefined ? new Set<string>() : await readyNodes(plan);
  const nodes = (state?.nodes ?? []).map((node) => ({ ...node, ready: ready.has(node.name) }));
  return {
    name: plan.name,
    up: state !== undefined && parts.every(({ running }) => running) && nodes.every((node) => node.ready),
    kubeconfig: plan.kubeconfig,
    logs: plan.logDirectory,
    nodes,
    machines: machines.map(({ name, initPid }) => ({ name, initPid, netns: `/proc/${initPid}/ns/net` })),
    parts,
    run: control === undefined ? [] : inClusterNetwork(plan, control, []).argv,
  };
}

/** A status as a person reads it. */
export function renderStatus(status: ClusterStatus): string {
  if (status.machines.length === 0) return `cluster ${status.name} is not up\n  Try: npm run cluster:up`;
  const ended = status.parts.filter(({ running }) => !running);
  return [
    `cluster ${status.name} is ${status.up ? 'up' : 'not whole'}`,
    ...status.nodes.map(({ name, address, ready }) => `  ${name}  ${address}  ${ready ? 'ready' : 'NOT READY'}`),
    ...ended.map(({ name, log }) => `  ${name} has ended: ${log}`),
    `  kubeconfig  ${status.kubeconfig} (in the cluster's network: npm run cluster:kubectl -- get pods -A)`,
    `  logs        ${status.logs}`,
    ...(status.up ? [] : ['  Try: npm run cluster:up   (makes it whole again)']),
  ].join('\n');
}

async function readyNodes(plan: ClusterPlan): Promise<Set<string>> {
  const { state, control } = await runningCluster(plan);
  const column =
    'jsonpath={range .items[*]}{.metadata.name} {.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}';
  try {
    const lines = await kubectlFor(plan, control, state)(['get', 'nodes', `-o=${column}`]);
    const rows = lines.split('\n').map((line) => line.split(' '));
    return new Set(rows.filter(([, ready]) => ready === 'True').map(([name]) => name ?? ''));
  } catch {
    return new Set();
  }
}
