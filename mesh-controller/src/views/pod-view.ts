import { cliApiVersion } from '@tulle/admin-api';
import type { PodDenialView, PodPolicyView, PodView, ProblemView } from '@tulle/admin-api';
import type { AuthorizationRule, MeshState, Workload } from '@tulle/ir';
import type { AgentRecord } from './agent-record.ts';

/** What the view of a pod is made from. */
export interface PodFacts {
  readonly state: MeshState;
  readonly workload: Workload;
  /** The agent of its node. */
  readonly agent: AgentRecord | undefined;
  readonly problems: readonly ProblemView[];
}

/** What the mesh does with a pod. */
export function podView({ state, workload, agent, problems }: PodFacts): PodView {
  const { namespace, name, uid, node, addresses, serviceAccount, identity, mesh, mtlsMode } = workload;
  const known = agent?.pods.find((pod) => pod.uid === uid);
  const captureReason = known?.reason ?? (agent === undefined ? `no agent of node ${node} has reported` : undefined);
  const isMissing = mesh.state === 'in' && (known?.captured ?? null) === null;
  return {
    apiVersion: cliApiVersion,
    kind: 'Pod',
    namespace,
    name,
    node,
    addresses,
    serviceAccount,
    identity,
    mesh,
    captured: known?.captured ?? null,
    ...(isMissing && captureReason !== undefined ? { captureReason } : {}),
    mtlsMode,
    ...(mesh.state === 'in' && agent?.sameNodeDirect === true ? { sameNode: 'direct' } : {}),
    policies: (workload.policies ?? []).map((key) => policyView(state, key)),
    denials: denialsOf(`${namespace}/${name}`, agent),
    problems,
  };
}

function policyView(state: MeshState, key: string): PodPolicyView {
  const slash = key.indexOf('/');
  const rules = state.policies.get(key)?.rules ?? [];
  return { namespace: key.slice(0, slash), name: key.slice(slash + 1), rules: rules.map(ruleInWords) };
}

/** What a rule lets in, in words: `spiffe://…/sa/web, to ports 80, 443`. */
function ruleInWords({ sources, ports }: AuthorizationRule): string {
  const who =
    sources === 'any'
      ? 'anybody'
      : sources.length === 0
        ? 'nobody'
        : sources.map((source) => (source.type === 'exact' ? source.identity : `${source.prefix}*`)).join(', ');
  if (ports === 'any') return `${who}, to every port`;
  if (ports.length === 0) return `${who}, to no port`;
  return `${who}, to ${ports.length === 1 ? 'port' : 'ports'} ${ports.join(', ')}`;
}

function denialsOf(pod: string, agent: AgentRecord | undefined): PodDenialView[] {
  return (agent?.denials ?? [])
    .filter((denial) => denial.pod === pod)
    .sort((a, b) => b.lastMs - a.lastMs)
    .map(({ identity, address, port, count, lastMs }) => ({
      reason: 'policy-denied',
      ...(identity === '' ? {} : { identity }),
      address,
      port,
      count,
      lastAt: new Date(lastMs).toISOString(),
    }));
}
