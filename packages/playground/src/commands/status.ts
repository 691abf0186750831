import type { AgentPodsView } from '@tulle/admin-api';
import { agentSocket, nameOption } from '../paths.ts';
import { askAdmin } from '../supervisor/admin-client.ts';
import { objectProblems } from '../supervisor/object-problems.ts';
import { problemText } from '../problem-text.ts';
import type { NodeState, PlaygroundProblem, PodPhase, ServiceState } from '../state.ts';
import { findPlayground } from './find.ts';
import type { FoundPlayground } from './find.ts';
import type { CommandOutput } from './output.ts';

/** What `playground status -o json` prints. Fields are only ever added. */
export interface PlaygroundStatusView {
  readonly name: string;
  readonly nodes: readonly NodeState[];
  readonly pods: readonly PodStatusView[];
  readonly services: readonly ServiceState[];
  readonly ca: { readonly bundle: string; readonly rootKey: string };
  /** Whether every pod is ready, and nothing that was asked for is refused. */
  readonly ready: boolean;
  /** Whether its supervisor runs. */
  readonly running: boolean;
  readonly mesh: boolean;
  /** The directory of manifests. */
  readonly manifests: string;
  readonly problems: readonly PlaygroundProblem[];
}

/** A pod, as `playground status` shows it. */
export interface PodStatusView {
  readonly namespace: string;
  readonly name: string;
  readonly node: string;
  readonly ip: string;
  /** For `ip netns exec`. */
  readonly netns: string;
  readonly phase: PodPhase;
  /** Whether the agent of its node says that it captures it. */
  readonly captured: boolean;
  readonly uid: string;
  readonly ready: boolean;
  readonly restarts: number;
  /** The Deployment that made it. */
  readonly deployment?: string;
  /** Why it is not ready. */
  readonly reason?: string;
}

/** Options of {@link playgroundStatus}. */
export interface StatusOptions {
  readonly name?: string;
  readonly output: 'table' | 'json';
}

/** The state of a playground now: what is captured is asked of the agents. Throws a CodedError when there is none. */
export async function readPlaygroundStatus(name?: string): Promise<PlaygroundStatusView> {
  return statusOf(findPlayground(name));
}

async function statusOf({ paths, state, running }: FoundPlayground): Promise<PlaygroundStatusView> {
  const [views, ofObjects] = state.mesh
    ? await Promise.all([
        Promise.all(state.nodes.map((node) => askAdmin<AgentPodsView>(agentSocket(paths, node.name), '/v1/pods'))),
        objectProblems(paths.controllerSocket),
      ])
    : [[], []];
  const problems = [...state.problems, ...ofObjects];
  const captured = new Set(
    views.flatMap((view) => view?.pods ?? []).flatMap((pod) => (pod.captured === null ? [] : [pod.uid])),
  );
  const pods = state.pods.map((pod): PodStatusView => ({
    namespace: pod.namespace,
    name: pod.name,
    node: pod.node,
    ip: pod.ip,
    netns: pod.netns,
    phase: pod.phase,
    captured: captured.has(pod.uid),
    uid: pod.uid,
    ready: pod.ready,
    restarts: pod.restarts,
    ...(pod.deployment === undefined ? {} : { deployment: pod.deployment }),
    ...(pod.reason === undefined ? {} : { reason: pod.reason }),
  }));
  const well = pods.every((pod) => pod.ready || pod.phase === 'Succeeded' || pod.phase === 'Terminating');
  return {
    name: state.name,
    nodes: state.nodes,
    pods,
    services: state.services,
    ca: state.ca,
    ready: running && well && problems.every(({ severity }) => severity === 'warning'),
    running,
    mesh: state.mesh,
    manifests: state.manifests,
    problems,
  };
}

/** Shows a playground; gives the exit status: 0 when it runs, 1 when it crashed. */
export async function playgroundStatus(options: StatusOptions, output: CommandOutput): Promise<number> {
  const found = findPlayground(options.name);
  const view = await statusOf(found);
  if (options.output === 'json') output.print(`${JSON.stringify(view, null, 2)}\n`);
  else output.print(table(view));
  if (found.running) return 0;
  const option = nameOption(view.name);
  output.printError(
    `tulle: the supervisor of the playground "${view.name}" has ended; nothing is repaired any more\n` +
      `  Try: tulle playground up${option} (it cleans up first), or tulle playground down${option}\n`,
  );
  return 1;
}

function table(view: PlaygroundStatusView): string {
  const pods = view.pods.map((pod) => [
    `${pod.namespace}/${pod.name}`,
    pod.node,
    pod.ip,
    pod.phase,
    pod.ready ? 'yes' : 'no',
    ...(view.mesh ? [pod.captured ? 'yes' : 'no'] : []),
    String(pod.restarts),
    pod.reason ?? '',
  ]);
  const header = ['POD', 'NODE', 'ADDRESS', 'PHASE', 'READY', ...(view.mesh ? ['CAPTURED'] : []), 'RESTARTS', ''];
  const services = view.services.map((service) => [`${service.namespace}/${service.name}`, service.clusterIP]);
  const lines = [
    `playground ${view.name}   ${view.running ? 'running' : 'CRASHED'}   manifests ${view.manifests}${view.mesh ? '' : '   no mesh'}`,
    ...view.nodes.map(
      (node) => `node ${node.name}   ${node.address}   network namespace ${node.netns}, link ${node.link}`,
    ),
    ...aligned([header, ...pods]),
    ...aligned([['SERVICE', 'ADDRESS'], ...services]),
    ...view.problems.map((problem) => `! ${problemText(problem)}`),
  ];
  return `${lines.join('\n')}\n`;
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('   ')
      .trimEnd(),
  );
}
