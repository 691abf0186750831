import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { decodeObject, referenceIn } from './decode.ts';
import { acceptedApiVersions, apiVersionOf } from './kinds.ts';
import { formatObjectError, parsePath, type ObjectError } from './object-error.ts';
import { isKind, objectKey, referenceOf, type KubernetesObject } from './object.ts';

const route = {
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  metadata: { name: 'canary', namespace: 'shop' },
  spec: {
    parentRefs: [{ group: '', kind: 'Service', name: 'cart' }],
    rules: [
      {
        backendRefs: [
          { name: 'cart-v1', port: 80, weight: 90 },
          { name: 'cart-v2', port: 80 },
        ],
      },
    ],
  },
};
const service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'cart' },
  spec: { selector: { app: 'cart' }, ports: [{ port: 80, targetPort: 'http' }] },
};
const container = { name: 'app', image: 'app', ports: [{ containerPort: 8080 }] };
const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'cart' }, spec: { containers: [container] } };
const deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'cart' },
  spec: {
    selector: { matchLabels: { app: 'cart' } },
    template: { metadata: { labels: { app: 'cart' } }, spec: { containers: [container] } },
  },
};
const slice = {
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: 'cart-1', labels: { 'kubernetes.io/service-name': 'cart' } },
  addressType: 'IPv4',
  endpoints: [{ addresses: ['10.0.0.1'] }],
  ports: [{ name: '', port: 8080 }],
};

/** A copy of `object` with the value at `path` replaced, or removed when it is undefined. */
function withValue(object: unknown, path: string, value: unknown): unknown {
  const copy = structuredClone(object);
  const parts = parsePath(path);
  let at = copy as Record<string, unknown>;
  for (const part of parts.slice(0, -1)) at = at[part] as Record<string, unknown>;
  at[parts.at(-1) ?? ''] = value;
  return copy;
}

function decoded(input: unknown): KubernetesObject {
  const result = decodeObject(input);
  if (!result.ok) throw new Error(result.error.map(formatObjectError).join('\n'));
  return result.value;
}

function errorsOf(input: unknown): readonly string[] {
  const result = decodeObject(input);
  return result.ok ? [] : result.error.map(formatObjectError);
}

describe('decodeObject', () => {
  it('fills defaults in', () => {
    const object = decoded(route);
    if (!isKind(object, 'HTTPRoute')) throw new Error(object.kind);
    expect(object.spec.rules[0]).toEqual({
      matches: [{ path: { type: 'PathPrefix', value: '/' } }],
      backendRefs: [
        { group: '', kind: 'Service', name: 'cart-v1', port: 80, weight: 90 },
        { group: '', kind: 'Service', name: 'cart-v2', port: 80, weight: 1 },
      ],
    });
    expect(decoded(service)).toMatchObject({
      metadata: { namespace: 'default' },
      spec: { type: 'ClusterIP', internalTrafficPolicy: 'Cluster', ports: [{ protocol: 'TCP' }] },
    });
    expect(decoded(pod)).toMatchObject({ spec: { serviceAccountName: 'default', restartPolicy: 'Always' } });
    expect(decoded(deployment)).toMatchObject({ spec: { replicas: 1 } });
  });

  it('fills in the rules of a route that has none', () => {
    const { rules: _, ...spec } = route.spec;
    expect(decoded({ ...route, spec })).toMatchObject({ spec: { rules: [{ matches: [{ path: { value: '/' } }] }] } });
  });

  it('does not touch or share its input', () => {
    const before = JSON.stringify(route);
    const object = decoded(route);
    expect(JSON.stringify(route)).toBe(before);
    expect(object.metadata).not.toBe(route.metadata);
  });

  it('takes the namespace from the options', () => {
    const result = decodeObject(service, { defaultNamespace: 'shop' });
    expect(result).toMatchObject({ ok: true, value: { metadata: { namespace: 'shop' } } });
  });

  it('tells every mistake of an object at once', () => {
    const bad = withValue(withValue(route, 'spec.rules[0].backendRefs[0].weight', -1), 'metadata.name', 'Canary');
    expect(errorsOf(withValue(bad, 'spec.rules[0].matches', [{ path: { value: 'x' } }, { method: 'PUTT' }]))).toEqual([
      'HTTPRoute shop/Canary: spec.rules[0].backendRefs[0].weight: -1 is less than the minimum 0',
      'HTTPRoute shop/Canary: spec.rules[0].matches[1].method: "PUTT" is not one of GET, HEAD, POST, PUT, DELETE, CONNECT, OPTIONS, TRACE, PATCH (did you mean PUT?)',
      'HTTPRoute shop/Canary: metadata.name: "Canary" is not a DNS name: lower-case letters, digits, "-" and ".", each part beginning and ending with a letter or digit, at most 253',
      "HTTPRoute shop/Canary: spec.rules[0].matches[0].path: value must be an absolute path and start with '/' when type one of ['Exact', 'PathPrefix']",
    ]);
  });

  it.each([
    ['a type', 'spec.rules', {}, 'spec.rules: expected a list, got an object'],
    [
      'a scalar type',
      'spec.rules[0].backendRefs[0].port',
      '80',
      'spec.rules[0].backendRefs[0].port: expected an integer, got "80"',
    ],
    [
      'a fraction',
      'spec.rules[0].backendRefs[0].port',
      80.5,
      'spec.rules[0].backendRefs[0].port: expected an integer, got 80.5',
    ],
    [
      'a maximum',
      'spec.rules[0].backendRefs[0].port',
      65536,
      'spec.rules[0].backendRefs[0].port: 65536 is more than the maximum 65535',
    ],
    [
      'a required field',
      'spec.rules[0].backendRefs[0].name',
      undefined,
      'spec.rules[0].backendRefs[0].name: is required',
    ],
    [
      'a required field that is null',
      'spec.rules[0].backendRefs[0].name',
      null,
      'spec.rules[0].backendRefs[0].name: is required',
    ],
    ['an empty name', 'spec.rules[0].backendRefs[0].name', '', 'spec.rules[0].backendRefs[0].name: must not be empty'],
    [
      'a long text',
      'spec.rules[0].backendRefs[0].name',
      'a'.repeat(300),
      'spec.rules[0].backendRefs[0].name: is 300 characters long, at most 253 are allowed',
    ],
    [
      'too many entries',
      'spec.rules',
      Array.from({ length: 17 }, () => ({})),
      'spec.rules: has 17 entries, at most 16 are allowed',
    ],
    [
      'a pattern in words',
      'spec.rules[0].timeouts',
      { request: '10' },
      'spec.rules[0].timeouts.request: "10" is not a duration such as 500ms, 10s or 1h30m',
    ],
    [
      'a list entry twice',
      'spec.rules[0].filters',
      [
        {
          type: 'RequestHeaderModifier',
          requestHeaderModifier: {
            set: [
              { name: 'a', value: 'b' },
              { name: 'a', value: 'c' },
            ],
          },
        },
      ],
      'spec.rules[0].filters[0].requestHeaderModifier.set[1]: is the same as spec.rules[0].filters[0].requestHeaderModifier.set[0]: name "a"',
    ],
    [
      'a null in a list',
      'spec.rules[0].backendRefs[0]',
      null,
      'spec.rules[0].backendRefs[0]: expected an object, got null',
    ],
  ])('words %s for a person', (_, path, value, message) => {
    expect(errorsOf(withValue(route, path, value))).toEqual([`HTTPRoute shop/canary: ${message}`]);
  });

  it('gives value and expectation to programs', () => {
    const result = decodeObject(withValue(route, 'spec.rules[0].backendRefs[0].weight', -1));
    expect(result).toMatchObject({
      ok: false,
      error: [{ code: 'value', path: 'spec.rules[0].backendRefs[0].weight', value: -1, expected: 'at least 0' }],
    });
  });

  it.each([
    ['a number', 5, 'expected an object with apiVersion, kind and metadata, got 5'],
    ['a list', [], 'expected an object with apiVersion, kind and metadata, got a list'],
    ['nothing', undefined, 'expected an object with apiVersion, kind and metadata, got undefined'],
    ['an empty object', {}, 'kind: is required'],
    ['no apiVersion', { kind: 'Pod' }, 'Pod: apiVersion: is required'],
    ['a kind that is a number', { kind: 5, apiVersion: 'v1' }, 'kind: expected a string, got 5'],
    [
      'no metadata',
      { kind: 'Service', apiVersion: 'v1', spec: { ports: [{ port: 1 }] } },
      'Service: metadata: is required',
    ],
    [
      'a misspelt kind',
      { ...route, kind: 'HttpRoutes' },
      'HttpRoutes shop/canary: kind: "HttpRoutes" of "gateway.networking.k8s.io/v1" is not a kind that a mesh knows (did you mean HTTPRoute?)',
    ],
    ['a kind of others', { ...route, kind: 'Gateway' }, 'Gateway shop/canary: kind: a Gateway is no part of a mesh'],
    [
      'a version that is not served',
      { ...route, apiVersion: 'gateway.networking.k8s.io/v2' },
      'HTTPRoute shop/canary: apiVersion: "gateway.networking.k8s.io/v2" has no HTTPRoute that is known here (did you mean gateway.networking.k8s.io/v1?)',
    ],
    [
      'a misspelt group',
      { ...route, apiVersion: 'gateway.networking.k8s.oi/v1' },
      'HTTPRoute shop/canary: apiVersion: "gateway.networking.k8s.oi/v1" has no HTTPRoute that is known here (did you mean gateway.networking.k8s.io/v1?)',
    ],
    [
      "another group's kind of the same name",
      { ...service, apiVersion: 'serving.knative.dev/v1' },
      'Service default/cart: apiVersion: Service of serving.knative.dev/v1 is not known here, only that of v1',
    ],
    [
      'a kind that is a word of JavaScript',
      { ...route, kind: 'constructor' },
      'constructor shop/canary: kind: "constructor" of "gateway.networking.k8s.io/v1" is not a kind that a mesh knows',
    ],
    [
      'a version that is a word of JavaScript',
      { ...route, apiVersion: 'gateway.networking.k8s.io/constructor' },
      'HTTPRoute shop/canary: apiVersion: "gateway.networking.k8s.io/constructor" has no HTTPRoute that is known here (did you mean gateway.networking.k8s.io/v1?)',
    ],
  ])('refuses %s', (_, input, message) => {
    expect(errorsOf(input)).toEqual([message]);
  });

  it.each([
    ['a name in upper case', service, 'metadata.name', 'Cart', 'metadata.name: "Cart" is not a DNS label: lower-case'],
    ["a dot in a Service's name", service, 'metadata.name', 'a.b', 'metadata.name: "a.b" is not a DNS label'],
    ['a long name', route, 'metadata.name', 'a'.repeat(254), 'metadata.name: "aaa'],
    ['a namespace that is none', route, 'metadata.namespace', 'a_b', 'metadata.namespace: "a_b" is not a DNS label'],
    ['a label key', route, 'metadata.labels', { '-a': 'b' }, 'metadata.labels.-a: "-a" is not a key'],
    [
      'a label key with two slashes',
      route,
      'metadata.labels',
      { 'a/b/c': 'b' },
      'metadata.labels[a/b/c]: "a/b/c" is not a key',
    ],
    ['a label value', route, 'metadata.labels', { a: 'b c' }, 'metadata.labels.a: "b c" is not a label value'],
    ['a label that is a number', route, 'metadata.labels', { a: 1 }, 'metadata.labels.a: expected a string, got 1'],
    [
      'an annotation key',
      route,
      'metadata.annotations',
      { 'a b': '' },
      'metadata.annotations[a b]: "a b" is not a key',
    ],
    [
      'huge annotations',
      route,
      'metadata.annotations',
      { a: 'x'.repeat(300_000) },
      'metadata.annotations: hold 300001 characters',
    ],
    ['no name', route, 'metadata.name', undefined, 'metadata.name: is required'],
    [
      'a time',
      route,
      'metadata.creationTimestamp',
      'today',
      'metadata.creationTimestamp: "today" is not a time (RFC 3339',
    ],
  ])('checks metadata: %s', (_, object, path, value, message) => {
    const errors = errorsOf(withValue(object, path, value));
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain(`: ${message}`);
  });

  it('lets labels, annotations and names be what Kubernetes lets them be', () => {
    const metadata = {
      name: 'a.b-c.1',
      namespace: 'shop',
      creationTimestamp: null,
      labels: { 'app.kubernetes.io/name': 'Cart_1.x', empty: '' },
      annotations: { 'tulle.dev/opaque-ports': '25,3306', 'Upper.Case/ok': 'anything at all\n' },
    };
    expect(errorsOf({ ...route, metadata })).toEqual([]);
  });

  it('refuses a namespace for what belongs to none', () => {
    const mesh = {
      apiVersion: 'gateway.networking.x-k8s.io/v1alpha1',
      kind: 'XMesh',
      metadata: { name: 'mesh', namespace: 'shop' },
      spec: { controllerName: 'a.b/c' },
    };
    expect(errorsOf(mesh)).toEqual([
      'XMesh mesh: metadata.namespace: objects of this kind belong to no namespace, remove "shop"',
    ]);
    expect(referenceOf(decoded(withValue(mesh, 'metadata.namespace', undefined)))).toEqual({
      group: 'gateway.networking.x-k8s.io',
      kind: 'XMesh',
      name: 'mesh',
    });
  });

  it('drops unknown fields of the Gateway API with a warning, and keeps those of core kinds', () => {
    const warnings: ObjectError[] = [];
    const onWarning = (warning: ObjectError) => warnings.push(warning);
    const typo = { ...route, spec: { parentRef: route.spec.parentRefs, rules: route.spec.rules } };
    const result = decodeObject(typo, { onWarning });
    expect(result.ok && result.value.kind === 'HTTPRoute' && 'parentRef' in result.value.spec).toBe(false);
    const other = decodeObject(withValue(withValue(pod, 'spec.tolerations', []), 'spec.volumess', []), { onWarning });
    expect(other).toMatchObject({ ok: true, value: { spec: { tolerations: [] } } });
    expect(warnings.map(formatObjectError)).toEqual([
      'HTTPRoute shop/canary: spec.parentRef: unknown field, ignored (did you mean parentRefs?)',
      'Pod default/cart: spec.volumess: unknown field, ignored (did you mean volumes?)',
    ]);
  });

  it('keeps or drops a status as it is asked to', () => {
    const input = { ...route, status: { parents: 5 } };
    expect(errorsOf(input)).toEqual(['HTTPRoute shop/canary: status.parents: expected a list, got 5']);
    expect(decodeObject(input, { status: 'drop' }).ok).toBe(true);
    const status = { phase: 'Running', podIP: '10.0.0.1' };
    expect(decodeObject({ ...pod, status }, { status: 'drop' })).toMatchObject({ ok: true, value: { status } });
  });

  it('refuses a Pod on a node whose name no node can have: agents would refuse the whole configuration', () => {
    const on = (nodeName: string) => decodeObject({ ...pod, spec: { ...pod.spec, nodeName } });
    expect(on('n1.example')).toMatchObject({ ok: true });
    for (const nodeName of ['n'.repeat(254), 'n 1', 'N1'])
      expect(on(nodeName)).toMatchObject({ ok: false, error: [{ path: 'spec.nodeName' }] });
  });
});

describe('versions', () => {
  const grant = {
    kind: 'ReferenceGrant',
    metadata: { name: 'a' },
    spec: { from: [{ group: 'a.b', kind: 'C', namespace: 'd' }], to: [{ group: '', kind: 'Secret' }] },
  };
  const tcp = {
    kind: 'TCPRoute',
    metadata: { name: 'a' },
    spec: { rules: [{ backendRefs: [{ name: 'b', port: 1 }] }] },
  };

  it('of which each is accepted come back in one', () => {
    for (const version of ['v1', 'v1beta1'])
      expect(decoded({ ...grant, apiVersion: `gateway.networking.k8s.io/${version}` }).apiVersion).toBe(
        'gateway.networking.k8s.io/v1',
      );
    for (const version of ['v1', 'v1alpha2'])
      expect(decoded({ ...tcp, apiVersion: `gateway.networking.k8s.io/${version}` }).apiVersion).toBe(
        'gateway.networking.k8s.io/v1',
      );
    expect(decoded({ ...route, apiVersion: 'gateway.networking.k8s.io/v1beta1' })).toEqual(decoded(route));
  });

  it('are each checked by their own schema', () => {
    const two = { ...tcp, spec: { rules: [tcp.spec.rules[0], tcp.spec.rules[0]] } };
    expect(decodeObject({ ...two, apiVersion: 'gateway.networking.k8s.io/v1alpha2' }).ok).toBe(true);
    expect(errorsOf({ ...two, apiVersion: 'gateway.networking.k8s.io/v1' })).toEqual([
      'TCPRoute default/a: spec.rules: has 2 entries, at most 1 are allowed',
    ]);
  });

  it('are listed', () => {
    expect(apiVersionOf('HTTPRoute')).toBe('gateway.networking.k8s.io/v1');
    expect(apiVersionOf('Pod')).toBe('v1');
    expect(acceptedApiVersions('TLSRoute')).toEqual([
      'gateway.networking.k8s.io/v1',
      'gateway.networking.k8s.io/v1alpha2',
      'gateway.networking.k8s.io/v1alpha3',
    ]);
  });
});

describe('core kinds', () => {
  it.each([
    [
      'a Service without ports',
      service,
      'spec.ports',
      [],
      'spec.ports: at least one port is required, unless clusterIP is None',
    ],
    [
      'two ports without names',
      service,
      'spec.ports',
      [{ port: 1 }, { port: 2, name: 'b' }],
      'spec.ports[0].name: is required when there are several ports',
    ],
    [
      'a port name twice',
      service,
      'spec.ports',
      [
        { port: 1, name: 'a' },
        { port: 2, name: 'a' },
      ],
      'spec.ports[1].name: has the same name as spec.ports[0]',
    ],
    [
      'a port twice',
      service,
      'spec.ports',
      [
        { port: 1, name: 'a' },
        { port: 1, name: 'b' },
      ],
      'spec.ports[1]: has the same port and protocol as spec.ports[0]',
    ],
    [
      'a target port',
      service,
      'spec.ports[0].targetPort',
      true,
      'spec.ports[0].targetPort: expected an integer or a string, got true',
    ],
    [
      'a target port that is no name',
      service,
      'spec.ports[0].targetPort',
      '80',
      'spec.ports[0].targetPort: "80" is not a port name',
    ],
    ['a cluster address', service, 'spec.clusterIP', '10.0.0', 'spec.clusterIP: "10.0.0" is not an IP address or None'],
    [
      'an external name that is not there',
      service,
      'spec.type',
      'ExternalName',
      'spec.externalName: is required for type ExternalName',
    ],
    [
      'a type of Service',
      service,
      'spec.type',
      'Clusterip',
      'spec.type: "Clusterip" is not one of ClusterIP, NodePort, LoadBalancer, ExternalName (did you mean ClusterIP?)',
    ],
    [
      'an address of another family',
      slice,
      'endpoints[0].addresses',
      ['::1'],
      'endpoints[0].addresses[0]: "::1" is not an IPv4 address',
    ],
    ['a slice of an unknown type', slice, 'addressType', undefined, 'addressType: is required'],
    [
      'a pod without containers',
      pod,
      'spec.containers',
      [],
      'spec.containers: has 0 entries, at least 1 must be given',
    ],
    [
      'two containers of one name',
      pod,
      'spec.containers',
      [container, container],
      'spec.containers[1]: is the same as spec.containers[0]: name "app"',
    ],
    [
      'a probe with two ways',
      pod,
      'spec.containers[0].readinessProbe',
      { exec: {}, tcpSocket: { port: 1 } },
      'spec.containers[0].readinessProbe: exactly one of httpGet, tcpSocket, exec and grpc must be set',
    ],
    [
      'a mount of no volume',
      pod,
      'spec.containers[0].volumeMounts',
      [{ name: 'a', mountPath: '/' }],
      'spec.containers[0].volumeMounts[0].name: no volume is named "a"',
    ],
    [
      'an environment value that YAML made a number',
      pod,
      'spec.containers[0].env',
      [{ name: 'A', value: 5 }],
      'spec.containers[0].env[0].value: expected a string, got 5',
    ],
    [
      'labels that the selector does not select',
      deployment,
      'spec.selector.matchLabels',
      { app: 'x' },
      'spec.template.metadata.labels.app: must be "x", as spec.selector.matchLabels says',
    ],
    ['an empty selector', deployment, 'spec.selector', {}, 'spec.selector: must not be empty'],
    ['fewer than no replicas', deployment, 'spec.replicas', -1, 'spec.replicas: -1 is less than the minimum 0'],
  ])('are checked: %s', (_, object, path, value, message) => {
    const errors = errorsOf(withValue(object, path, value));
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain(`: ${message}`);
  });

  it('reads a Secret in both of its ways, and refuses what is no base64', () => {
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' }, data: { a: 'YQ==', b: 'Yg==' } };
    expect(decoded({ ...secret, stringData: { b: 'c' } })).toEqual({
      ...secret,
      metadata: { name: 'a', namespace: 'default' },
      type: 'Opaque',
      data: { a: 'YQ==', b: 'Yw==' },
    });
    expect(errorsOf({ ...secret, data: { a: 'a b=' } })).toEqual(['Secret default/a: data.a: "a b=" is not base64']);
  });

  it.each([
    [{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } }],
    [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { 'x.yaml': 'a: b' } }],
    [{ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'a' }, secrets: [{ name: 'b' }] }],
    [{ apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' }, spec: { podCIDR: '10.0.0.0/24' } }],
    [
      {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'NetworkPolicy',
        metadata: { name: 'a' },
        spec: { podSelector: {}, ingress: [{ from: [] }] },
      },
    ],
    [
      {
        apiVersion: 'multicluster.x-k8s.io/v1alpha1',
        kind: 'ServiceImport',
        metadata: { name: 'a' },
        spec: { type: 'ClusterSetIP', ports: [{ port: 80 }] },
      },
    ],
    [
      {
        apiVersion: 'certificates.k8s.io/v1beta1',
        kind: 'ClusterTrustBundle',
        metadata: { name: 'a.b:c' },
        spec: { trustBundle: 'x' },
      },
    ],
    [{ ...service, spec: { type: 'ExternalName', externalName: 'a.b' } }],
    [{ ...service, spec: { clusterIP: 'None' } }],
    [slice],
    [deployment],
  ])('accepts $kind', (input) => {
    expect(errorsOf(input)).toEqual([]);
  });
});

describe('keys', () => {
  it('name an object by group, kind, namespace and name', () => {
    expect(objectKey(referenceOf(decoded(route)))).toBe('HTTPRoute.gateway.networking.k8s.io/shop/canary');
    expect(objectKey(referenceOf(decoded(service)))).toBe('Service/default/cart');
  });

  it('can be told of what is not valid', () => {
    const reference = referenceIn(withValue(route, 'spec', 5));
    expect(reference && objectKey(reference)).toBe('HTTPRoute.gateway.networking.k8s.io/shop/canary');
    expect(referenceIn({ ...route, kind: 'X' })).toBeUndefined();
    expect(referenceIn({ ...route, metadata: {} })).toBeUndefined();
    expect(referenceIn(5)).toBeUndefined();
  });
});

describe('hostile input', () => {
  const nested = (depth: number) => {
    let value: unknown = 'x';
    for (let i = 0; i < depth; i++) value = { a: value };
    return value;
  };
  const cyclic: Record<string, unknown> = {};
  cyclic['self'] = cyclic;
  const shared = Array.from({ length: 12 }).reduce<unknown>((below) => Array.from({ length: 12 }, () => below), 'x');

  it.each([
    ['deep nesting', withValue(pod, 'spec.x', nested(100_000)), 'levels of nesting'],
    ['a cycle', withValue(pod, 'spec.x', cyclic), 'levels of nesting'],
    ['references that multiply', withValue(pod, 'spec.x', shared), 'values'],
    [
      'a huge list',
      withValue(
        route,
        'spec.rules',
        Array.from({ length: 1_000_000 }, () => ({})),
      ),
      'values',
    ],
    [
      'a list that only claims to be long',
      withValue(route, 'spec.rules', Array.from({ length: 0 }).concat(Object.assign([], { length: 4e9 }))),
      'values',
    ],
    ['a huge text', withValue(route, 'spec.rules[0].name', 'x'.repeat(4_000_000)), 'characters of text'],
  ])('is refused: %s', (_, input, limit) => {
    const result = decodeObject(input);
    expect(result).toMatchObject({
      ok: false,
      error: [{ code: 'too-large', expected: expect.stringContaining(limit) }],
    });
  });

  it('does not change the prototype of anything', () => {
    const input: unknown = JSON.parse(
      JSON.stringify(route).replace('"spec":{', '"__proto__":{"polluted":1},"spec":{"__proto__":{"rules":5},'),
    );
    const object = decoded(input);
    expect(Object.getPrototypeOf(object)).toBe(Object.prototype);
    expect('polluted' in {}).toBe(false);
    expect(errorsOf(withValue(route, 'metadata.labels', JSON.parse('{"__proto__":"x"}')))).toEqual([]);
  });

  it.each([
    ['a path', 'spec.rules[0].matches', [{ path: { value: `/${'a'.repeat(2_000_000)} ` } }]],
    ['a host name', 'spec.hostnames', [`${'a-'.repeat(1_000_000)}!`]],
    ['a value of a header', 'spec.rules[0].matches', [{ headers: [{ name: 'a'.repeat(1_000_000), value: 'b' }] }]],
  ])('is matched in linear time: %s', (_, path, value) => {
    expect(decodeObject(withValue(route, path, value)).ok).toBe(false);
  });

  it('lists a bounded number of mistakes', () => {
    const backendRefs = Array.from({ length: 20_000 }, () => ({ name: 5 }));
    const result = decodeObject(withValue(route, 'spec.rules[0].backendRefs', backendRefs));
    expect(result.ok ? 0 : result.error.length).toBe(100);
  });

  it('never makes it throw, and mistakes are never laid to the decoder', () => {
    const paths: string[] = [];
    const collect = (value: unknown, path: string): void => {
      if (typeof value !== 'object' || value === null) return;
      for (const [name, below] of Object.entries(value)) {
        const at = Array.isArray(value) ? `${path}[${name}]` : path === '' ? name : `${path}.${name}`;
        paths.push(at);
        collect(below, at);
      }
    };
    const rich = withValue(route, 'spec.rules[0]', {
      name: 'a',
      matches: [{ path: { type: 'Exact', value: '/a' }, method: 'GET', headers: [{ name: 'a', value: 'b' }] }],
      filters: [{ type: 'RequestMirror', requestMirror: { backendRef: { name: 'b', port: 1 }, percent: 5 } }],
      backendRefs: [{ name: 'a', port: 1, filters: [{ type: 'CORS', cors: { allowOrigins: ['*'] } }] }],
      timeouts: { request: '1s', backendRequest: '1s' },
      retry: { codes: [500], attempts: 2, backoff: '10ms' },
      sessionPersistence: { type: 'Cookie', cookie: { lifetimeType: 'Session' } },
    });
    expect(errorsOf(rich)).toEqual([]);
    collect(rich, '');
    fc.assert(
      fc.property(
        fc.constantFrom(...paths),
        fc.anything({
          withBigInt: true,
          withDate: true,
          withMap: true,
          withSparseArray: true,
          withNullPrototype: true,
        }),
        (path, value) => {
          const result = decodeObject(withValue(rich, path, value));
          if (!result.ok) expect(result.error.map(({ code }) => code)).not.toContain('internal');
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
