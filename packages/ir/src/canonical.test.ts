import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { canonicalYaml, plainState } from './canonical.ts';
import type { MeshState } from './mesh.ts';

const route = (name: string) => ({ namespace: 'shop', name, port: 80, consumers: {} });
const state = (names: readonly string[]): MeshState => ({
  settings: { trustDomain: 'cluster.local', mtlsMode: 'strict' },
  policies: new Map(),
  workloads: new Map(),
  services: new Map(),
  endpoints: new Map(),
  routes: new Map(names.map((name) => [`shop/${name}:80`, route(name)])),
});

describe('canonicalYaml', () => {
  it('is the same whatever the order of fields and keys', () => {
    expect(canonicalYaml({ b: [1, { d: 1, c: 2 }], a: 'x' })).toBe(canonicalYaml({ a: 'x', b: [1, { c: 2, d: 1 }] }));
    expect(canonicalYaml(plainState(state(['a', 'b'])))).toBe(canonicalYaml(plainState(state(['b', 'a']))));
  });

  it('keeps the order of lists', () => {
    expect(canonicalYaml([2, 1])).not.toBe(canonicalYaml([1, 2]));
  });

  it('can be read back', () => {
    const long = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`k${i}`, `: # "${i}"\n`]));
    const value = { long, list: [long, [], {}, null, true, 1.5, '', 'true', '1'] };
    expect(parse(canonicalYaml(value))).toEqual(value);
  });

  it('puts what is short on one line', () => {
    expect(canonicalYaml({ a: { z: 1, y: [] } })).toBe('a: { y: [], z: 1 }\n');
  });
});
