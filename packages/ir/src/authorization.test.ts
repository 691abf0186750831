import { describe, expect, it } from '@jest/globals';
import { authorize } from './authorization.ts';
import type { AuthorizationPolicy, AuthorizationRule } from './authorization.ts';

const web = 'spiffe://cluster.local/ns/shop/sa/web';
const policy = (name: string, ...rules: AuthorizationRule[]): [string, AuthorizationPolicy] => [
  `shop/${name}`,
  { namespace: 'shop', name, rules },
];
const known = new Map([
  policy('web', { sources: 'any', ports: [1] }, { sources: [{ type: 'exact', identity: web }], ports: [8080] }),
  policy('shop', { sources: [{ type: 'prefix', prefix: 'spiffe://cluster.local/ns/shop/sa/' }], ports: 'any' }),
  policy('any', { sources: 'any', ports: 'any' }),
  policy('none', { sources: [], ports: 'any' }),
  policy('no-ports', { sources: 'any', ports: [] }),
  policy('no-rules'),
]);
const decide = (policies: readonly string[] | undefined, identity: string | undefined, port = 8080) =>
  authorize(policies, (key) => known.get(key), { identity, port });

describe('authorize', () => {
  it('lets everybody in where no policy is attached', () => {
    expect(decide(undefined, undefined)).toEqual({ allowed: true, by: 'no-policy' });
    expect(decide([], web)).toEqual({ allowed: true, by: 'no-policy' });
  });

  it('names the policy and the rule that allow', () => {
    expect(decide(['shop/none', 'shop/web'], web)).toEqual({ allowed: true, by: 'rule', policy: 'shop/web', rule: 1 });
  });

  it.each([
    ['another port', ['shop/web'], web, 81],
    ['another identity', ['shop/web'], 'spiffe://cluster.local/ns/shop/sa/webs', 8080],
    ['the same account of another trust domain', ['shop/web'], 'spiffe://other/ns/shop/sa/web', 8080],
    ['no identity', ['shop/web'], undefined, 8080],
    ['no identity, every account of a namespace', ['shop/shop'], undefined, 8080],
    ['a namespace whose name begins the same', ['shop/shop'], 'spiffe://cluster.local/ns/shop-2/sa/web', 8080],
    ['an empty list of sources', ['shop/none'], web, 8080],
    ['an empty list of ports', ['shop/no-ports'], web, 8080],
    ['a policy without rules', ['shop/no-rules'], web, 8080],
    ['a policy that has not come', ['shop/unknown'], web, 8080],
  ] as const)('denies %s', (_what, policies, identity, port) => {
    expect(decide(policies, identity, port)).toEqual({ allowed: false, by: 'no-rule' });
  });

  it('lets a client without an identity in where a rule has no sources', () => {
    expect(decide(['shop/any'], undefined).allowed).toBe(true);
    expect(decide(['shop/unknown', 'shop/any'], undefined).allowed).toBe(true);
  });
});
