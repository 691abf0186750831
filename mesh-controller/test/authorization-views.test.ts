import { describe, expect, it } from '@jest/globals';
import type { AuthorizationRule, MeshState, Workload } from '@tulle/ir';
import { authorizationCheck } from '../src/views/authorization-view.ts';
import { podView } from '../src/views/pod-view.ts';
import { byName, snapshotOf, workload } from './mesh-fixture.ts';

const webIdentity = 'spiffe://cluster.local/ns/shop/sa/web';
const web = workload('web-1', { identity: webIdentity, serviceAccount: 'web' });
const plain = workload('old-1', { mesh: { state: 'out', reason: 'not labelled' } });
const rules: readonly AuthorizationRule[] = [
  { sources: [{ type: 'exact', identity: webIdentity }], ports: [8080, 443] },
  { sources: 'any', ports: [9090] },
];
const cart = workload('cart-1', { policies: ['shop/cart'] });

function stateOf(...workloads: Workload[]): MeshState {
  const { state } = snapshotOf({ workloads: byName(workloads) });
  return { ...state, policies: byName([{ namespace: 'shop', name: 'cart', rules }]) };
}

describe('authorizationCheck', () => {
  const check = (from: Workload, to: Workload, port?: number) =>
    authorizationCheck(stateOf(from, to), { from, to }, port);

  it('names the rule that allows', () => {
    expect(check(web, cart, 8080)).toMatchObject({
      allowed: true,
      from: { identity: webIdentity },
      decisions: [{ port: 8080, allowed: true, reason: 'rule', policy: 'shop/cart', rule: 0 }],
    });
  });

  it('without a port decides each port that a rule names, and the others', () => {
    const { allowed, decisions } = check(plain, cart);
    expect(allowed).toBe(false);
    expect(decisions.map(({ port, allowed: one, reason }) => [port, one, reason])).toEqual([
      [443, false, 'no-rule'],
      [8080, false, 'no-rule'],
      [9090, true, 'rule'],
      [undefined, false, 'no-rule'],
    ]);
  });

  it('says what else decides: no policy, strict mTLS, a pod out of the mesh', () => {
    const reason = (from: Workload, to: Workload) => check(from, to, 80).decisions[0]?.reason;
    expect(reason(web, workload('open-1'))).toBe('no-policy');
    expect(reason(plain, workload('strict-1', { mtlsMode: 'strict' }))).toBe('mtls-strict');
    expect(reason(web, { ...plain, policies: ['shop/cart'] })).toBe('not-in-mesh');
  });
});

describe('podView', () => {
  it('shows who may connect and who was turned away, the latest first', () => {
    const denial = { pod: 'shop/cart-1', address: '10.0.0.9', port: 8080, count: 2, lastMs: 1_000 };
    const agent = {
      node: 'n1',
      connected: true,
      ackedVersion: 'v1',
      pods: [{ uid: 'uid-cart-1', namespace: 'shop', name: 'cart-1', captured: 'iptables' as const }],
      certificates: [],
      denials: [
        { ...denial, identity: webIdentity },
        { ...denial, identity: '', lastMs: 2_000 },
        { ...denial, identity: '', pod: 'shop/other' },
      ],
    };
    const view = podView({ state: stateOf(cart), workload: cart, agent, problems: [] });
    expect(view).toMatchObject({
      captured: 'iptables',
      policies: [
        {
          namespace: 'shop',
          name: 'cart',
          rules: [`${webIdentity}, to ports 8080, 443`, 'anybody, to port 9090'],
        },
      ],
    });
    expect(view.denials).toEqual([
      { reason: 'policy-denied', address: '10.0.0.9', port: 8080, count: 2, lastAt: '1970-01-01T00:00:02.000Z' },
      {
        reason: 'policy-denied',
        identity: webIdentity,
        address: '10.0.0.9',
        port: 8080,
        count: 2,
        lastAt: '1970-01-01T00:00:01.000Z',
      },
    ]);
    expect(view).not.toHaveProperty('captureReason');
  });

  it('says why a pod is not captured', () => {
    const view = podView({ state: stateOf(cart), workload: cart, agent: undefined, problems: [] });
    expect(view).toMatchObject({ captured: null, captureReason: 'no agent of node n1 has reported' });
  });
});
