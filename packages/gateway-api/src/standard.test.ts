import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { decodeObject, ObjectDecoder } from './decode.ts';
import { formatObjectError, type ObjectError } from './object-error.ts';
import { standardDecoder } from './standard.ts';

const decoders = { standard: standardDecoder(), experimental: new ObjectDecoder() } as const;
type Channel = keyof typeof decoders;

function errorsOf(channel: Channel, input: unknown): string[] {
  const decoded = decoders[channel].decode(input);
  return decoded.ok ? [] : decoded.error.map(formatObjectError);
}

const parentRefs = [{ group: '', kind: 'Service', name: 'cart' }];
const backendRefs = [{ name: 'cart', port: 80 }];
const connections = { parentRefs, rules: [{ backendRefs }] };
const targetRefs = [{ group: '', kind: 'Service', name: 'cart' }];
const validation = { hostname: 'cart.example.com', wellKnownCACertificates: 'System' };
const specs: Readonly<Record<string, object>> = {
  HTTPRoute: { parentRefs, rules: [{ backendRefs }] },
  GRPCRoute: { parentRefs, rules: [{ backendRefs }] },
  TCPRoute: connections,
  TLSRoute: { ...connections, hostnames: ['cart.example.com'] },
  UDPRoute: connections,
  ReferenceGrant: {
    from: [{ group: 'gateway.networking.k8s.io', kind: 'BackendTLSPolicy', namespace: 'shop' }],
    to: [{ group: '', kind: 'Secret' }],
  },
  BackendTLSPolicy: { targetRefs, validation },
  XBackendTrafficPolicy: {
    targetRefs,
    retryConstraint: { budget: { percent: 20, interval: '10s' }, minRetryRate: { count: 10, interval: '1s' } },
  },
  XMesh: { controllerName: 'tulle.dev/mesh-controller' },
};
const object = (kind: string, version: string, spec = specs[kind]) => {
  const group = kind.startsWith('X') ? 'gateway.networking.x-k8s.io' : 'gateway.networking.k8s.io';
  const metadata = kind === 'XMesh' ? { name: 'a' } : { name: 'a', namespace: 'shop' };
  return { apiVersion: `${group}/${version}`, kind, metadata, spec };
};

/** Every kind of the Gateway API that concerns a mesh, with the versions that each channel of v1.7.0 serves. */
const served: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ['HTTPRoute', ['v1', 'v1beta1'], ['v1', 'v1beta1']],
  ['GRPCRoute', ['v1'], ['v1']],
  ['TCPRoute', ['v1'], ['v1', 'v1alpha2']],
  ['TLSRoute', ['v1'], ['v1', 'v1alpha2', 'v1alpha3']],
  ['UDPRoute', ['v1'], ['v1', 'v1alpha2']],
  ['ReferenceGrant', ['v1', 'v1beta1'], ['v1', 'v1beta1']],
  ['BackendTLSPolicy', ['v1'], ['v1', 'v1alpha3']],
  ['XBackendTrafficPolicy', [], ['v1alpha1']],
  ['XMesh', [], ['v1alpha1']],
];
const versions = ['v1', 'v1beta1', 'v1alpha1', 'v1alpha2', 'v1alpha3'];

describe.each(served)('%s', (kind, ...channels) => {
  it.each([
    ['standard', channels[0]],
    ['experimental', channels[1]],
  ] as const)('is taken in each version that the %s channel serves, and in no other', (channel, expected) => {
    expect(versions.filter((version) => errorsOf(channel, object(kind, version)).length === 0)).toEqual(expected);
  });

  it('comes out the same whatever its version', () => {
    const decoded = channels[1].map((version) => decodeObject(object(kind, version)));
    for (const one of decoded) expect(one).toEqual(decoded[0]);
  });
});

describe('the standard channel', () => {
  it('takes the examples of the release that are written for it, every field known, as the experimental one does', () => {
    const text = readFileSync(join(import.meta.dirname, '..', 'testdata', 'upstream-valid.yaml'), 'utf8');
    const examples = parseAllDocuments(text)
      .filter((document) =>
        (document.commentBefore ?? document.contents?.commentBefore ?? '').trim().startsWith('standard/'),
      )
      .map((document): unknown => document.toJS())
      .filter((input) => decodeObject(input).ok);
    expect(examples.length).toBeGreaterThan(30);
    for (const input of examples) {
      const warnings: ObjectError[] = [];
      const decoded = decoders.standard.decode(input, { onWarning: (warning) => warnings.push(warning) });
      expect(warnings.map(formatObjectError)).toEqual([]);
      expect(decoded).toEqual(decoders.experimental.decode(input));
    }
  });

  it('does not know fields of the experimental one, and drops them with a warning', () => {
    const warnings: ObjectError[] = [];
    const rules = [{ backendRefs, sessionPersistence: { cookie: { name: 'seat' } } }];
    const decoded = decoders.standard.decode(object('HTTPRoute', 'v1', { parentRefs, rules }), {
      onWarning: (warning) => warnings.push(warning),
    });
    expect(warnings.map(formatObjectError)).toEqual([
      'HTTPRoute shop/a: spec.rules[0].sessionPersistence: unknown field, ignored',
    ]);
    expect(JSON.stringify(decoded)).not.toContain('seat');
  });

  it('refuses values of the experimental one', () => {
    const filters = [
      { type: 'ExternalAuth', externalAuth: { protocol: 'HTTP', backendRef: backendRefs[0], http: {} } },
    ];
    const input = object('HTTPRoute', 'v1', { parentRefs, rules: [{ filters, backendRefs }] });
    expect(errorsOf('experimental', input)).toEqual([]);
    expect(errorsOf('standard', input)[0]).toContain('spec.rules[0].filters[0].type: "ExternalAuth" is not one of');
  });

  it('says of a kind that it lacks where that is', () => {
    expect(errorsOf('standard', object('XMesh', 'v1alpha1'))).toEqual([
      'XMesh default/a: kind: XMesh is in the experimental channel of the Gateway API only',
    ]);
  });

  it('applies its own CEL rules', () => {
    const filters = [{ type: 'RequestRedirect', requestRedirect: { path: { type: 'ReplaceFullPath' } } }];
    const input = object('HTTPRoute', 'v1', { parentRefs, rules: [{ filters }] });
    for (const channel of ['standard', 'experimental'] as const)
      expect(errorsOf(channel, input)).toEqual([
        "HTTPRoute shop/a: spec.rules[0].filters[0].requestRedirect.path: replaceFullPath must be specified when type is set to 'ReplaceFullPath'",
      ]);
  });
});
