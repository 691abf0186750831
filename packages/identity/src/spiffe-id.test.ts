import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { controllerIdentity, SpiffeId } from './index.ts';

describe('SpiffeId', () => {
  it('takes apart the identity of a service account', () => {
    const id = SpiffeId.parse('spiffe://cluster.local/ns/shop/sa/cart');
    expect(id).toMatchObject({
      ok: true,
      value: {
        text: 'spiffe://cluster.local/ns/shop/sa/cart',
        trustDomain: 'cluster.local',
        path: '/ns/shop/sa/cart',
        workload: { namespace: 'shop', serviceAccount: 'cart' },
      },
    });
  });

  it.each(['spiffe://td', 'spiffe://td/a', 'spiffe://td/ns/a/sa', 'spiffe://td/ns/a/sa/b/c', 'spiffe://td/sa/a/ns/b'])(
    'takes %s as an id that is of no service account',
    (text) => {
      const id = SpiffeId.parse(text);
      expect(id.ok && id.value.text).toBe(text);
      expect(id.ok && id.value.workload).toBeUndefined();
    },
  );

  it.each([
    ['', 'does not begin with spiffe://'],
    ['https://td/a', 'does not begin with spiffe://'],
    ['SPIFFE://td/a', 'does not begin with spiffe://'],
    ['spiffe:///a', 'trust domain is empty'],
    ['spiffe://', 'trust domain is empty'],
    ['spiffe://TD/a', 'lower case'],
    ['spiffe://td:443/a', 'lower case'],
    ['spiffe://user@td/a', 'lower case'],
    ['spiffe://td?x/a', 'lower case'],
    [`spiffe://${'a'.repeat(256)}/a`, 'longer than 255'],
    ['spiffe://td/', 'empty segment'],
    ['spiffe://td//a', 'empty segment'],
    ['spiffe://td/a/', 'empty segment'],
    ['spiffe://td/a/../b', 'the segment ".."'],
    ['spiffe://td/./b', 'the segment "."'],
    ['spiffe://td/a%2fb', 'letters, digits'],
    ['spiffe://td/a?b', 'letters, digits'],
    ['spiffe://td/a#b', 'letters, digits'],
    ['spiffe://td/ä', 'letters, digits'],
    ['spiffe://td/a\u0000', 'letters, digits'],
    ['spiffe://td/a\n', 'letters, digits'],
    [`spiffe://td/${'a'.repeat(2048)}`, 'longer than 2048'],
  ])('refuses %j', (text, problem) => {
    const id = SpiffeId.parse(text);
    expect(id).toMatchObject({ ok: false, error: { code: 'invalid-spiffe-id' } });
    expect(!id.ok && id.error.message).toContain(problem);
  });

  it('gives back what it was made from, and never takes a part for more than a part', () => {
    const name = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/);
    fc.assert(
      fc.property(name, name, name, (trustDomain, namespace, serviceAccount) => {
        const id = SpiffeId.forWorkload({ trustDomain, namespace, serviceAccount });
        expect(id.ok && id.value.workload).toEqual({ namespace, serviceAccount });
        expect(id.ok && id.value.trustDomain).toBe(trustDomain);
      }),
    );
    expect(SpiffeId.forWorkload({ trustDomain: 'td', namespace: 'a/sa/b', serviceAccount: 'c' })).toMatchObject({
      ok: false,
    });
  });

  it('knows the name of the controller', () => {
    expect(controllerIdentity('example.org').text).toBe('spiffe://example.org/ns/tulle-system/sa/mesh-controller');
  });
});
