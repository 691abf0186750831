import { describe, expect, it } from '@jest/globals';
import { decodeEnv, expand, resolveEnv } from './env.ts';
import type { PodFacts } from './env.ts';
import { Fields } from './fields.ts';
import type { FieldProblem } from './fields.ts';

const facts: PodFacts = {
  namespace: 'shop',
  name: 'web-1',
  uid: 'u',
  nodeName: 'n1',
  hostIP: '10.89.0.11',
  podIP: '10.244.1.2',
  serviceAccountName: 'web',
  labels: { 'app.kubernetes.io/name': 'web' },
  annotations: {},
};

function read(container: unknown) {
  const problems: FieldProblem[] = [];
  return { sources: decodeEnv(new Fields(container, 'spec.containers[0]', problems)), problems };
}

function resolved(env: unknown, configMaps: { readonly [name: string]: { readonly [key: string]: string } } = {}) {
  const { sources, problems } = read(env);
  expect(problems).toEqual([]);
  return resolveEnv(sources, facts, (name) => configMaps[name]);
}

const field = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });

describe('resolveEnv', () => {
  it('knows what a pod knows of itself', () => {
    const paths = [
      'metadata.name',
      'metadata.namespace',
      'spec.nodeName',
      'status.podIP',
      'status.hostIP',
      'spec.serviceAccountName',
      "metadata.labels['app.kubernetes.io/name']",
      "metadata.annotations['none']",
    ];
    const env = resolved({ env: paths.map((path, index) => field(`V${index}`, path)) });
    expect(env.ok && Object.values(env.env)).toEqual([
      'web-1',
      'shop',
      'n1',
      '10.244.1.2',
      '10.89.0.11',
      'web',
      'web',
      '',
    ]);
  });

  it('lets a value name the variables before it, not those after', () => {
    const env = [
      { name: 'A', value: '$(B)' },
      { name: 'B', value: 'b' },
      { name: 'C', value: '$(A)-$(B)' },
    ];
    expect(resolved({ env })).toEqual({ ok: true, env: { A: '$(B)', B: 'b', C: '$(B)-b' } });
  });

  it('takes values from ConfigMaps, and says which one it waits for', () => {
    const container = {
      envFrom: [{ prefix: 'P_', configMapRef: { name: 'all' } }],
      env: [{ name: 'ONE', valueFrom: { configMapKeyRef: { name: 'some', key: 'k' } } }],
    };
    expect(resolved(container, { all: { x: '1' }, some: { k: '2' } })).toEqual({
      ok: true,
      env: { P_x: '1', ONE: '2' },
    });
    expect(resolved(container, { all: {}, some: {} })).toEqual({ ok: false, missing: 'ConfigMap some with key k' });
    expect(resolved(container)).toEqual({ ok: false, missing: 'ConfigMap all' });
  });
});

describe('decodeEnv', () => {
  it.each([
    [{ secretKeyRef: { name: 's', key: 'k' } }, 'spec.containers[0].env[0].valueFrom.secretKeyRef'],
    [{ fieldRef: { fieldPath: 'spec.nope' } }, 'spec.containers[0].env[0].valueFrom.fieldRef.fieldPath'],
  ])('names what cannot be done: %j', (valueFrom, path) => {
    const { problems } = read({ env: [{ name: 'A', valueFrom }] });
    expect(problems).toEqual([{ path, message: expect.stringContaining('not supported in a playground') }]);
  });
});

describe('expand', () => {
  it.each([
    ['$(A) and $(A)', 'x and x'],
    ['$(NONE)', '$(NONE)'],
    ['$$(A)', '$(A)'],
    ['$$$(A)', '$x'],
    ['$A ${A}', '$A ${A}'],
    ['$(A', '$(A'],
  ])('reads %j as %j', (text, wanted) => {
    expect(expand(text, { A: 'x' })).toBe(wanted);
  });
});
