import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { allocateClusterIps, findNode, PodAddresses } from './addresses.ts';

const node1 = findNode('n1');
if (node1 === undefined) throw new Error('there is no n1');

describe('PodAddresses', () => {
  it('gives each address once, in turn, and none when all are taken', () => {
    const addresses = new PodAddresses();
    const all = Array.from({ length: 253 }, () => addresses.take(node1));
    expect(all[0]).toBe('10.244.1.2');
    expect(all.at(-1)).toBe('10.244.1.254');
    expect(new Set(all).size).toBe(253);
    expect(addresses.take(node1)).toBeUndefined();
  });

  it('does not use an address again before the others have been', () => {
    const addresses = new PodAddresses();
    const first = addresses.take(node1) ?? '';
    addresses.release(first);
    expect(addresses.take(node1)).toBe('10.244.1.3');
  });

  it('goes round to what was released', () => {
    const addresses = new PodAddresses();
    for (let i = 0; i < 253; i++) addresses.take(node1);
    addresses.release('10.244.1.77');
    expect(addresses.take(node1)).toBe('10.244.1.77');
  });
});

describe('allocateClusterIps', () => {
  const auto = (key: string) => ({ key, asked: undefined });

  it('gives the same addresses to the same names, whatever their order', () => {
    const names = ['shop/cart', 'shop/web', 'qa/cart'];
    const one = allocateClusterIps(names.map(auto), new Map());
    const two = allocateClusterIps(names.toReversed().map(auto), new Map());
    expect(one.refused.size).toBe(0);
    expect(Object.fromEntries(two.addresses)).toEqual(Object.fromEntries(one.addresses));
  });

  it('honours an address that was asked for, also one that the hash of another name would have got', () => {
    const taken = allocateClusterIps([auto('shop/web')], new Map()).addresses.get('shop/web') ?? '';
    const { addresses, refused } = allocateClusterIps([auto('shop/web'), { key: 'shop/zzz', asked: taken }], new Map());
    expect(refused.size).toBe(0);
    expect(addresses.get('shop/zzz')).toBe(taken);
    expect(addresses.get('shop/web')).not.toBe(taken);
  });

  it('refuses an address that another Service asked for or holds, and says whose it is', () => {
    const twice = [
      { key: 'a/one', asked: '10.96.0.50' },
      { key: 'a/two', asked: '10.96.0.50' },
    ];
    const first = allocateClusterIps(twice, new Map());
    expect(first.addresses.get('a/one')).toBe('10.96.0.50');
    expect(first.refused.get('a/two')).toBe('spec.clusterIP: 10.96.0.50 is already the address of Service a/one');
    const held = new Map([['b/old', '10.96.7.7']]);
    const second = allocateClusterIps([auto('b/old'), { key: 'a/new', asked: '10.96.7.7' }], held);
    expect(second.addresses.get('b/old')).toBe('10.96.7.7');
    expect(second.refused.get('a/new')).toContain('Service b/old');
  });

  it.each(['10.97.0.1', '10.96.0.0', '10.96.300.1', '10.96.01.1', 'fd00::1', 'cart'])('refuses %s', (asked) => {
    const { addresses, refused } = allocateClusterIps([{ key: 'a/b', asked }], new Map());
    expect(addresses.size).toBe(0);
    expect(refused.get('a/b')).toContain('is not an address of 10.96.0.0/16');
  });

  it("keeps the DNS' address to itself", () => {
    expect(allocateClusterIps([{ key: 'a/b', asked: '10.96.0.10' }], new Map()).refused.get('a/b')).toContain('DNS');
  });

  it('gives each Service an address of its own and lets those that stay keep theirs', () => {
    const keys = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,4}\/[a-z]{1,4}$/), { maxLength: 40 });
    fc.assert(
      fc.property(keys, keys, (before, after) => {
        const first = allocateClusterIps(before.map(auto), new Map());
        const second = allocateClusterIps(after.map(auto), first.addresses);
        expect(new Set(second.addresses.values()).size).toBe(after.length);
        for (const key of after) {
          const had = first.addresses.get(key);
          if (had !== undefined) expect(second.addresses.get(key)).toBe(had);
        }
      }),
    );
  });
});
