import type { AgentPodView, NodeStatus, ProblemView } from '@tulle/admin-api';
import type { RequestRate } from '@tulle/feed';
import { workloadKey, type MeshState, type Workload } from '@tulle/ir';
import type { AgentRecord } from './agent-record.ts';

/** Agents report every few seconds; one that has not for this long is stale. */
const staleAfterMs = 30_000;

/** What node views are made from. */
export interface NodeFacts {
  readonly state: MeshState;
  readonly agents: ReadonlyMap<string, AgentRecord>;
  /** Nodes that are known for other reasons: Node objects, node tokens. */
  readonly nodes: Iterable<string>;
  readonly nowMs: number;
}

/** A line for each node: of an agent, of a pod in the mesh, or known otherwise; by name. */
export function nodeViews(facts: NodeFacts): NodeStatus[] {
  const wanted = wantedPods(facts.state);
  // An agent that is gone, of a node that nothing else knows, has left with its node.
  const connected = [...facts.agents.values()].filter((agent) => agent.connected).map((agent) => agent.node);
  const names = new Set([...facts.nodes, ...connected, ...wanted.keys()]);
  return [...names].sort().map((name) => nodeView(name, wanted.get(name) ?? [], facts));
}

/** Pods that ought to be captured and are not, and configuration that agents refuse. */
export function nodeProblems(facts: NodeFacts): ProblemView[] {
  const problems: ProblemView[] = [];
  const wanted = wantedPods(facts.state);
  for (const agent of facts.agents.values()) {
    if (agent.refused !== undefined) {
      problems.push({
        severity: 'error',
        code: 'ConfigurationRefused',
        object: { kind: 'Node', name: agent.node },
        message: `its agent refused configuration ${agent.refused.configVersion}: ${agent.refused.message}`,
      });
    }
    if (agent.reportedAtMs === undefined) continue;
    const reported = podsByKey(agent.pods);
    for (const workload of wanted.get(agent.node) ?? []) {
      const pod = reported.get(podKey(workload));
      // A pod that the agent has not reported yet is being captured; only the agent knows why it cannot be.
      if (pod?.captured === null && pod.reason !== undefined) problems.push(notCaptured(workload, pod.reason));
    }
  }
  for (const [node, pods] of wanted) {
    if (!facts.agents.has(node)) problems.push(noAgent(node, pods.length));
  }
  return problems;
}

function nodeView(name: string, wanted: readonly Workload[], facts: NodeFacts): NodeStatus {
  const agent = facts.agents.get(name);
  if (agent === undefined) {
    return {
      name,
      agent: 'missing',
      podsCaptured: 0,
      podsWanted: wanted.length,
      configVersion: null,
      behindMs: 0,
      certificates: 0,
      lastReportAgeMs: null,
    };
  }
  const reported = podsByKey(agent.pods);
  const reportAgeMs = agent.reportedAtMs === undefined ? null : Math.max(0, facts.nowMs - agent.reportedAtMs);
  const state = agentState(agent, reportAgeMs);
  return {
    name,
    agent: state,
    ...(agent.version === undefined ? {} : { agentVersion: agent.version }),
    podsCaptured: wanted.filter((workload) => typeof reported.get(podKey(workload))?.captured === 'string').length,
    podsWanted: wanted.length,
    configVersion: agent.ackedVersion,
    behindMs: agent.behindSinceMs === undefined ? 0 : Math.max(0, facts.nowMs - agent.behindSinceMs),
    ...(agent.refused === undefined ? {} : { refused: agent.refused }),
    certificates: agent.certificates.filter((certificate) => certificate.notAfter !== undefined).length,
    lastReportAgeMs: reportAgeMs,
    ...(state === 'ready' ? ratesOf(agent.requestRate) : {}),
  };
}

function ratesOf(rate: RequestRate | undefined): Pick<NodeStatus, 'requestsPerSecond' | 'successShare'> {
  if (rate === undefined) return {};
  const { perSecond, failedPerSecond } = rate;
  return { requestsPerSecond: perSecond, ...(perSecond > 0 ? { successShare: 1 - failedPerSecond / perSecond } : {}) };
}

function agentState(agent: AgentRecord, reportAgeMs: number | null): NodeStatus['agent'] {
  if (!agent.connected) return 'disconnected';
  return reportAgeMs === null || reportAgeMs > staleAfterMs ? 'stale' : 'ready';
}

/** The pods that ought to be captured, by node. */
function wantedPods(state: MeshState): Map<string, Workload[]> {
  const wanted = new Map<string, Workload[]>();
  for (const workload of state.workloads.values()) {
    if (workload.mesh.state !== 'in') continue;
    const ofNode = wanted.get(workload.node);
    if (ofNode === undefined) wanted.set(workload.node, [workload]);
    else ofNode.push(workload);
  }
  return wanted;
}

/** A pod of the same name with another uid is another pod. */
function podKey(pod: { readonly uid: string; readonly namespace: string; readonly name: string }): string {
  return `${workloadKey(pod)} ${pod.uid}`;
}

function podsByKey(pods: readonly AgentPodView[]): Map<string, AgentPodView> {
  return new Map(pods.map((pod) => [podKey(pod), pod]));
}

function notCaptured({ namespace, name }: Workload, reason: string): ProblemView {
  return {
    severity: 'error',
    code: 'NotCaptured',
    object: { kind: 'Pod', namespace, name },
    message: `it is labelled to be in the mesh, but not captured: ${reason}`,
  };
}

function noAgent(node: string, pods: number): ProblemView {
  return {
    severity: 'error',
    code: 'NoAgent',
    object: { kind: 'Node', name: node },
    message: `no agent of this node has connected; ${pods} of its pods ought to be in the mesh`,
  };
}
