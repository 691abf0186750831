import { describe, expect, it } from '@jest/globals';
import type { KubernetesObject } from '@tulle/gateway-api';
import { readManifestFile } from '@tulle/manifests';
import { decoded, translated } from './testing/objects.ts';

/*
 * Time grows with the size of what is translated, not with its square: four times as much may take four times as long,
 * and never near sixteen times. Time is that of the processor, the least of some runs.
 */

type Spec = Readonly<Record<string, unknown>>;

const templates = new Map<string, KubernetesObject>();

/** An object of namespace `shop` unless it says otherwise; those that differ by name only are decoded once. */
function object(kind: string, name: string, spec: Spec, namespace = 'shop'): KubernetesObject {
  const apiVersion = kind === 'Service' ? 'v1' : 'gateway.networking.k8s.io/v1';
  const key = JSON.stringify([kind, spec]);
  const template =
    templates.get(key) ?? decoded({ apiVersion, kind, metadata: { name: 'template', namespace: 'shop' }, spec });
  templates.set(key, template);
  return { ...template, metadata: { ...template.metadata, name, namespace } } as KubernetesObject;
}

const service = (name: string, ports: readonly Spec[] = [{ name: 'http', port: 80 }]) =>
  object('Service', name, { clusterIP: '10.96.0.1', ports });
const parentRefs = [{ group: '', kind: 'Service', name: 'cart' }];
const httpRoute = (name: string, rules: readonly Spec[]) => object('HTTPRoute', name, { parentRefs, rules });
const times = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));
const toCart = [{ name: 'cart', port: 80 }];
const headers = (values: Readonly<Record<string, string>>) =>
  Object.entries(values).map(([name, value]) => ({ name, value }));

/** What there may be much of, at a size. */
const shapes: Readonly<Record<string, (size: number) => readonly KubernetesObject[]>> = {
  'routes of one Service that match the same': (size) => [
    service('cart'),
    ...times(size, (i) => httpRoute(`r${i}`, [{ backendRefs: toCart }])),
  ],
  'routes of one Service that differ in a header': (size) => [
    service('cart'),
    ...times(size, (i) =>
      httpRoute(`r${i}`, [{ matches: [{ headers: headers({ id: `${i}` }) }], backendRefs: toCart }]),
    ),
  ],
  'routes of one Service with headers in common': (size) => [
    service('cart'),
    ...times(size, (i) =>
      httpRoute(`r${i}`, [{ matches: [{ headers: headers({ team: 'qa', id: `${i}`, v: `${i % 9}` }) }] }]),
    ),
  ],
  'routes of one Service with paths below each other': (size) => [
    service('cart'),
    ...times(size, (i) => httpRoute(`r${i}`, [{ matches: [{ path: { value: `/${'a/'.repeat(i % 400)}${i}` } }] }])),
  ],
  'references that lead nowhere among similar names': (size) => [
    service('cart'),
    ...times(size, (i) => service(`payments-service-${i}`)),
    ...times(size, (i) => httpRoute(`r${i}`, [{ backendRefs: [{ name: `payment-services-${i}`, port: 80 }] }])),
  ],
  'routes of different kinds on one Service': (size) => [
    service('cart'),
    ...times(size, (i) => object(i % 2 === 0 ? 'GRPCRoute' : 'HTTPRoute', `r${i}`, { parentRefs, rules: [{}] })),
  ],
  'consumer namespaces of one Service': (size) => [
    service('cart'),
    ...times(size, (i) =>
      object(
        'HTTPRoute',
        'r',
        { parentRefs: [{ ...parentRefs[0], namespace: 'shop' }], rules: [{ backendRefs: toCart }] },
        `ns-${i}`,
      ),
    ),
  ],
  'policies of one Service': (size) => [
    service('cart'),
    ...times(size, (i) =>
      object('BackendTLSPolicy', `p${i}`, {
        targetRefs: parentRefs,
        validation: { hostname: 'cart.example.com', wellKnownCACertificates: 'System' },
      }),
    ),
  ],
  'ports of one Service': (size) => [
    service(
      'cart',
      times(size, (i) => ({ name: `p${i}`, port: i + 1 })),
    ),
    httpRoute('r', [{ backendRefs: times(16, (i) => ({ name: 'cart', port: 60_000 + i })) }]),
  ],
  'endpoints of one Service': (size) => [
    service('cart'),
    ...times(size, (i) =>
      decoded({
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { name: `s${i}`, namespace: 'shop', labels: { 'kubernetes.io/service-name': 'cart' } },
        addressType: 'IPv4',
        ports: [{ name: 'http', port: 8080 }],
        endpoints: times(20, (n) => ({ addresses: [`10.${i >> 8}.${i & 255}.${n + 1}`] })),
      }),
    ),
  ],
};

/** Milliseconds of the processor, the least of some runs. */
function cpuMs(run: () => void): number {
  return Math.min(
    ...times(3, () => {
      const start = process.cpuUsage();
      run();
      const { user, system } = process.cpuUsage(start);
      return (user + system) / 1000;
    }),
  );
}

describe('the time of a translation', () => {
  it.each(Object.keys(shapes))(
    'grows with the number of %s',
    (name) => {
      const make = shapes[name] ?? (() => []);
      const [small, large] = [make(500), make(2_000)];
      translated(small);
      const smallMs = Math.max(
        25,
        cpuMs(() => void translated(small)),
      );
      const largeMs = cpuMs(() => void translated(large));
      expect({ smallMs, largeMs, isInProportion: largeMs < 10 * smallMs }).toMatchObject({ isInProportion: true });
    },
    120_000,
  );
});

describe('the time of reading a file', () => {
  const texts: Readonly<Record<string, (size: number) => string>> = {
    'keys that are there twice': (size) => `kind: Service\n${'a: 1\n'.repeat(size * 20)}`,
    documents: (size) => 'kind: Service\n---\n'.repeat(size),
    mistakes: (size) =>
      `apiVersion: v1\nkind: Service\nmetadata: { name: a }\nspec:\n  ports:\n${'    - { port: x }\n'.repeat(size)}`,
    'anchors and aliases': (size) =>
      `kind: Service\n${times(size, (i) => `a${i}: &a${i} [x]\nb${i}: *a${i}\n`).join('')}`,
    'unknown fields': (size) =>
      `apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: { name: a }\nspec:\n${times(size, (i) => `  parentRef${i}: 1\n`).join('')}`,
    'open brackets': (size) => '['.repeat(size * 10),
    'quotes that do not end': (size) => '"a\n'.repeat(size * 10),
  };

  it.each(Object.keys(texts))(
    'grows with the number of %s',
    (name) => {
      const make = texts[name] ?? (() => '');
      const [small, large] = [make(1_000), make(4_000)];
      readManifestFile('a.yaml', small);
      const smallMs = Math.max(
        25,
        cpuMs(() => void readManifestFile('a.yaml', small)),
      );
      const largeMs = cpuMs(() => void readManifestFile('a.yaml', large));
      expect({ smallMs, largeMs, isInProportion: largeMs < 10 * smallMs }).toMatchObject({ isInProportion: true });
    },
    120_000,
  );
});
