import { cliApiVersion } from '@tulle/admin-api';
import type { AuthorizationCheckView, AuthorizationDecisionView, AuthorizationPartyView } from '@tulle/admin-api';
import { authorize } from '@tulle/ir';
import type { MeshState, Workload } from '@tulle/ir';

/** Whether `from` may connect to `to`, on one port or on each that a rule names and on the others. */
export function authorizationCheck(
  state: MeshState,
  { from, to }: { readonly from: Workload; readonly to: Workload },
  port: number | undefined,
): AuthorizationCheckView {
  const decisions = portsToDecide(state, to, port).map((one) => decisionFor(state, { from, to }, one));
  return {
    apiVersion: cliApiVersion,
    kind: 'AuthorizationCheck',
    allowed: decisions.every(({ allowed }) => allowed),
    from: partyOf(from),
    to: partyOf(to),
    decisions,
  };
}

function portsToDecide(state: MeshState, to: Workload, port: number | undefined): (number | undefined)[] {
  if (port !== undefined) return [port];
  const named = (to.policies ?? [])
    .flatMap((key) => state.policies.get(key)?.rules ?? [])
    .flatMap(({ ports }) => (ports === 'any' ? [] : ports));
  return [...[...new Set(named)].sort((a, b) => a - b), undefined];
}

/** No application has port 0: it stands for every port that no rule names. */
const noNamedPort = 0;

function decisionFor(
  state: MeshState,
  { from, to }: { readonly from: Workload; readonly to: Workload },
  port: number | undefined,
): AuthorizationDecisionView {
  const policies = to.policies ?? [];
  const about = { ...(port === undefined ? {} : { port }), policies };
  if (to.mesh.state === 'out') return { ...about, allowed: true, reason: 'not-in-mesh' };
  const identity = from.mesh.state === 'in' ? from.identity : undefined;
  if (identity === undefined && to.mtlsMode === 'strict') return { ...about, allowed: false, reason: 'mtls-strict' };
  const decision = authorize(policies, (key) => state.policies.get(key), { identity, port: port ?? noNamedPort });
  const { allowed, by } = decision;
  return { ...about, allowed, reason: by, ...(by === 'rule' ? { policy: decision.policy, rule: decision.rule } : {}) };
}

function partyOf({ namespace, name, mesh, identity }: Workload): AuthorizationPartyView {
  return { namespace, name, ...(mesh.state === 'in' ? { identity } : {}) };
}
