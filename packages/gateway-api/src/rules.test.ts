import { describe, expect, it } from '@jest/globals';
import { decodeObject } from './decode.ts';
import { kindDefinitions } from './kinds.ts';
import { formatObjectIssue } from './object-error.ts';
import { PatternCache } from './patterns.ts';
import { RuleEngine } from './rule-engine.ts';
import { schemaOf, type Schema } from './schema.ts';

type Fields = Readonly<Record<string, unknown>>;

const cart = { name: 'cart', port: 80 };
const prefixRewrite = { type: 'ReplacePrefixMatch', replacePrefixMatch: '/' };
const path = (value: string, type = 'PathPrefix') => ({ matches: [{ path: { type, value } }] });
const filters = (...filters: Fields[]) => ({ filters });
const times = (count: number, value: unknown) => Array.from({ length: count }, () => value);
const persistence = (sessionPersistence: Fields) => ({ sessionPersistence });
const parent = (fields: Fields = {}) => ({ group: '', kind: 'Service', name: 'cart', ...fields });

function httpRoute(...rules: readonly Fields[]): Fields {
  return { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', metadata: { name: 'a' }, spec: { rules } };
}

function grpcRoute(...rules: readonly Fields[]): Fields {
  return { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'GRPCRoute', metadata: { name: 'a' }, spec: { rules } };
}

function withParents(kind: string, ...parentRefs: readonly Fields[]): Fields {
  return { apiVersion: 'gateway.networking.k8s.io/v1', kind, metadata: { name: 'a' }, spec: { parentRefs } };
}

/** The broken rules of a route, as `path: message`, in order. */
function broken(input: unknown): readonly string[] {
  const decoded = decodeObject(input);
  return decoded.ok ? [] : decoded.error.map(formatObjectIssue);
}

const rule0 = 'spec.rules[0]';
const filter0 = 'spec.rules[0].filters[0]';

const httpCases: readonly (readonly [string, Fields, string])[] = [
  [
    'a parent twice',
    withParents('HTTPRoute', parent(), parent()),
    'spec.parentRefs: sectionName or port must be unique when parentRefs includes 2 or more references to the same parent',
  ],
  [
    'a parent with and without a section',
    withParents('HTTPRoute', parent(), parent({ sectionName: 'http' })),
    'spec.parentRefs: sectionName or port must be specified when parentRefs includes 2 or more references to the same parent',
  ],
  [
    'a rule name twice',
    httpRoute({ name: 'x' }, { name: 'x' }),
    'spec.rules: Rule name must be unique within the route',
  ],
  [
    'more than 128 matches',
    httpRoute(...(times(3, { matches: times(43, { path: { value: '/' } }) }) as Fields[])),
    'spec.rules: While 16 rules and 64 matches per rule are allowed, the total number of matches across all rules in a route must be less than 128',
  ],
  [
    'a redirect with backends',
    httpRoute({ ...filters({ type: 'RequestRedirect', requestRedirect: {} }), backendRefs: [cart] }),
    `${rule0}: RequestRedirect filter must not be used together with backendRefs`,
  ],
  [
    'a prefix redirect without a prefix',
    httpRoute({
      ...path('/a', 'Exact'),
      ...filters({ type: 'RequestRedirect', requestRedirect: { path: prefixRewrite } }),
    }),
    `${rule0}: When using RequestRedirect filter with path.replacePrefixMatch, exactly one PathPrefix match must be specified`,
  ],
  [
    'a prefix rewrite without a prefix',
    httpRoute({ ...path('/a', 'Exact'), ...filters({ type: 'URLRewrite', urlRewrite: { path: prefixRewrite } }) }),
    `${rule0}: When using URLRewrite filter with path.replacePrefixMatch, exactly one PathPrefix match must be specified`,
  ],
  [
    "a backend's prefix redirect without a prefix",
    httpRoute({
      ...path('/a', 'Exact'),
      backendRefs: [{ ...cart, ...filters({ type: 'RequestRedirect', requestRedirect: { path: prefixRewrite } }) }],
    }),
    `${rule0}: Within backendRefs, when using RequestRedirect filter with path.replacePrefixMatch, exactly one PathPrefix match must be specified`,
  ],
  [
    "a backend's prefix rewrite without a prefix",
    httpRoute({
      ...path('/a', 'Exact'),
      backendRefs: [{ ...cart, ...filters({ type: 'URLRewrite', urlRewrite: { path: prefixRewrite } }) }],
    }),
    `${rule0}: Within backendRefs, When using URLRewrite filter with path.replacePrefixMatch, exactly one PathPrefix match must be specified`,
  ],
  [
    'a Service without a port',
    httpRoute({ backendRefs: [{ name: 'cart' }] }),
    `${rule0}.backendRefs[0]: Must have port for Service reference`,
  ],
  [
    'an XBackend with a port',
    httpRoute({ backendRefs: [{ name: 'a', group: 'gateway.networking.x-k8s.io', kind: 'XBackend', port: 1 }] }),
    `${rule0}.backendRefs[0]: Must not have port for Backend reference`,
  ],
  [
    'a redirect and a rewrite',
    httpRoute(filters({ type: 'RequestRedirect', requestRedirect: {} }, { type: 'URLRewrite', urlRewrite: {} })),
    `${rule0}.filters: May specify either httpRouteFilterRequestRedirect or httpRouteFilterRequestRewrite, but not both`,
  ],
  ...(
    [
      ['CORS', { cors: {} }],
      ['RequestHeaderModifier', { requestHeaderModifier: {} }],
      ['ResponseHeaderModifier', { responseHeaderModifier: {} }],
      ['RequestRedirect', { requestRedirect: {} }],
      ['URLRewrite', { urlRewrite: {} }],
    ] as const
  ).map(
    ([type, fields]) =>
      [
        `${type} twice`,
        httpRoute(filters({ type, ...fields }, { type, ...fields })),
        `${rule0}.filters: ${type} filter cannot be repeated`,
      ] as const,
  ),
  ...(
    [
      ['CORS', 'cors', {}],
      ['ExtensionRef', 'extensionRef', { group: 'a.b', kind: 'C', name: 'd' }],
      ['ExternalAuth', 'externalAuth', { protocol: 'GRPC', backendRef: cart, grpc: {} }],
      ['RequestHeaderModifier', 'requestHeaderModifier', {}],
      ['RequestMirror', 'requestMirror', { backendRef: cart }],
      ['RequestRedirect', 'requestRedirect', {}],
      ['ResponseHeaderModifier', 'responseHeaderModifier', {}],
      ['URLRewrite', 'urlRewrite', {}],
    ] as const
  ).flatMap(([type, field, value]) => {
    const other = type === 'CORS' ? { type: 'URLRewrite', urlRewrite: {} } : { type: 'CORS', cors: {} };
    return [
      [
        `${type} without its field`,
        httpRoute(filters({ type })),
        `${filter0}: filter.${field} must be specified for ${type} filter.type`,
      ],
      [
        `another filter with ${field}`,
        httpRoute(filters({ ...other, [field]: value })),
        `${filter0}: filter.${field} must be nil if the filter.type is not ${type}`,
      ],
    ] as const;
  }),
  [
    'authorization by gRPC without its settings',
    httpRoute(filters({ type: 'ExternalAuth', externalAuth: { protocol: 'GRPC', backendRef: cart } })),
    `${filter0}.externalAuth: grpc must be specified when protocol is set to 'GRPC'`,
  ],
  [
    'authorization by HTTP with settings of gRPC',
    httpRoute(
      filters({ type: 'ExternalAuth', externalAuth: { protocol: 'HTTP', backendRef: cart, grpc: {}, http: {} } }),
    ),
    `${filter0}.externalAuth: protocol must be 'GRPC' when grpc is set`,
  ],
  [
    'authorization by HTTP without its settings',
    httpRoute(filters({ type: 'ExternalAuth', externalAuth: { protocol: 'HTTP', backendRef: cart } })),
    `${filter0}.externalAuth: http must be specified when protocol is set to 'HTTP'`,
  ],
  [
    'authorization by gRPC with settings of HTTP',
    httpRoute(
      filters({ type: 'ExternalAuth', externalAuth: { protocol: 'GRPC', backendRef: cart, grpc: {}, http: {} } }),
    ),
    `${filter0}.externalAuth: protocol must be 'HTTP' when http is set`,
  ],
  [
    '"*" and a name in CORS',
    httpRoute(filters({ type: 'CORS', cors: { allowHeaders: ['*', 'a'] } })),
    `${filter0}.cors.allowHeaders: AllowHeaders cannot contain '*' alongside other methods`,
  ],
  [
    '"*" and an origin in CORS',
    httpRoute(filters({ type: 'CORS', cors: { allowOrigins: ['*', 'http://a.b'] } })),
    `${filter0}.cors.allowOrigins: AllowOrigins cannot contain '*' alongside other origins`,
  ],
  [
    'a mirror by percent and fraction',
    httpRoute(
      filters({ type: 'RequestMirror', requestMirror: { backendRef: cart, percent: 1, fraction: { numerator: 1 } } }),
    ),
    `${filter0}.requestMirror: Only one of percent or fraction may be specified in HTTPRequestMirrorFilter`,
  ],
  [
    'more than the whole',
    httpRoute(
      filters({
        type: 'RequestMirror',
        requestMirror: { backendRef: cart, fraction: { numerator: 3, denominator: 2 } },
      }),
    ),
    `${filter0}.requestMirror.fraction: numerator must be less than or equal to denominator`,
  ],
  [
    'a full path without one',
    httpRoute(filters({ type: 'URLRewrite', urlRewrite: { path: { type: 'ReplaceFullPath' } } })),
    `${filter0}.urlRewrite.path: replaceFullPath must be specified when type is set to 'ReplaceFullPath'`,
  ],
  [
    'a full path for a prefix',
    httpRoute(filters({ type: 'URLRewrite', urlRewrite: { path: { ...prefixRewrite, replaceFullPath: '/' } } })),
    `${filter0}.urlRewrite.path: type must be 'ReplaceFullPath' when replaceFullPath is set`,
  ],
  [
    'a prefix without one',
    httpRoute(filters({ type: 'URLRewrite', urlRewrite: { path: { type: 'ReplacePrefixMatch' } } })),
    `${filter0}.urlRewrite.path: replacePrefixMatch must be specified when type is set to 'ReplacePrefixMatch'`,
  ],
  [
    'a prefix for a full path',
    httpRoute(
      filters({
        type: 'URLRewrite',
        urlRewrite: { path: { type: 'ReplaceFullPath', replaceFullPath: '/', replacePrefixMatch: '/' } },
      }),
    ),
    `${filter0}.urlRewrite.path: type must be 'ReplacePrefixMatch' when replacePrefixMatch is set`,
  ],
  ...(
    [
      ['a', "value must be an absolute path and start with '/' when type one of ['Exact', 'PathPrefix']"],
      ['/a//b', "must not contain '//' when type one of ['Exact', 'PathPrefix']"],
      ['/./b', "must not contain '/./' when type one of ['Exact', 'PathPrefix']"],
      ['/../b', "must not contain '/../' when type one of ['Exact', 'PathPrefix']"],
      ['/a%2fb', "must not contain '%2f' when type one of ['Exact', 'PathPrefix']"],
      ['/a%2Fb', "must not contain '%2F' when type one of ['Exact', 'PathPrefix']"],
      ['/a#b', "must not contain '#' when type one of ['Exact', 'PathPrefix']"],
      ['/a/..', "must not end with '/..' when type one of ['Exact', 'PathPrefix']"],
      ['/a/.', "must not end with '/.' when type one of ['Exact', 'PathPrefix']"],
      [
        '/a b',
        "must only contain valid characters (matching ^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+$) for types ['Exact', 'PathPrefix']",
      ],
    ] as const
  ).map(
    ([value, message]) =>
      [`the path ${value}`, httpRoute(path(value)), `${rule0}.matches[0].path: ${message}`] as const,
  ),
  [
    'a backend timeout above that of the request',
    httpRoute({ timeouts: { request: '1s', backendRequest: '1001ms' } }),
    `${rule0}.timeouts: backendRequest timeout cannot be longer than request timeout`,
  ],
  [
    'a permanent cookie without an end',
    httpRoute(persistence({ type: 'Cookie', cookie: { lifetimeType: 'Permanent' } })),
    `${rule0}.sessionPersistence: AbsoluteTimeout must be specified when cookie lifetimeType is Permanent`,
  ],
  [
    'a session by header with a cookie',
    httpRoute(persistence({ type: 'Header', cookie: {}, header: { name: 'a' } })),
    `${rule0}.sessionPersistence: cookie must be nil if type is not Cookie`,
  ],
  [
    'a session by cookie with a header',
    httpRoute(persistence({ type: 'Cookie', cookie: {}, header: { name: 'a' } })),
    `${rule0}.sessionPersistence: header must be nil if type is not Header`,
  ],
  [
    'a session by header without one',
    httpRoute(persistence({ type: 'Header' })),
    `${rule0}.sessionPersistence: header must be specified for Header type`,
  ],
  [
    'a session by cookie without one',
    httpRoute(persistence({ type: 'Cookie' })),
    `${rule0}.sessionPersistence: cookie must be specified for Cookie type`,
  ],
];

const grpcCases: readonly (readonly [string, Fields, string])[] = [
  [
    'a parent twice',
    withParents('GRPCRoute', parent(), parent()),
    'spec.parentRefs: sectionName or port must be unique when parentRefs includes 2 or more references to the same parent',
  ],
  [
    'a parent with and without a section',
    withParents('GRPCRoute', parent(), parent({ sectionName: 'http' })),
    'spec.parentRefs: sectionName or port must be specified when parentRefs includes 2 or more references to the same parent',
  ],
  [
    'a rule name twice',
    grpcRoute({ name: 'x' }, { name: 'x' }),
    'spec.rules: Rule name must be unique within the route',
  ],
  [
    'more than 128 matches',
    grpcRoute(...(times(3, { matches: times(43, {}) }) as Fields[])),
    'spec.rules: While 16 rules and 64 matches per rule are allowed, the total number of matches across all rules in a route must be less than 128',
  ],
  [
    'neither service nor method',
    grpcRoute({ matches: [{ method: { type: 'Exact' } }] }),
    `${rule0}.matches[0].method: One or both of 'service' or 'method' must be specified`,
  ],
  [
    'a service that is none',
    grpcRoute({ matches: [{ method: { service: 'a/b' } }] }),
    `${rule0}.matches[0].method: service must only contain valid characters (matching ^(?i)\\.?[a-z_][a-z_0-9]*(\\.[a-z_][a-z_0-9]*)*$)`,
  ],
  [
    'a method that is none',
    grpcRoute({ matches: [{ method: { method: '1a' } }] }),
    `${rule0}.matches[0].method: method must only contain valid characters (matching ^[A-Za-z_][A-Za-z_0-9]*$)`,
  ],
  [
    'a Service without a port',
    grpcRoute({ backendRefs: [{ name: 'cart' }] }),
    `${rule0}.backendRefs[0]: Must have port for Service reference`,
  ],
  [
    'an XBackend with a port',
    grpcRoute({ backendRefs: [{ name: 'a', group: 'gateway.networking.x-k8s.io', kind: 'XBackend', port: 1 }] }),
    `${rule0}.backendRefs[0]: Must not have port for Backend reference`,
  ],
  ...(['RequestHeaderModifier', 'ResponseHeaderModifier'] as const).map((type) => {
    const filter = {
      type,
      [type === 'RequestHeaderModifier' ? 'requestHeaderModifier' : 'responseHeaderModifier']: {},
    };
    return [
      `${type} twice`,
      grpcRoute(filters(filter, filter)),
      `${rule0}.filters: ${type} filter cannot be repeated`,
    ] as const;
  }),
  ...(
    [
      ['ExtensionRef', 'extensionRef', { group: 'a.b', kind: 'C', name: 'd' }],
      ['RequestHeaderModifier', 'requestHeaderModifier', {}],
      ['RequestMirror', 'requestMirror', { backendRef: cart }],
      ['ResponseHeaderModifier', 'responseHeaderModifier', {}],
    ] as const
  ).flatMap(([type, field, value]) => {
    const other =
      type === 'RequestMirror'
        ? { type: 'RequestHeaderModifier', requestHeaderModifier: {} }
        : { type: 'RequestMirror', requestMirror: { backendRef: cart } };
    return [
      [
        `${type} without its field`,
        grpcRoute(filters({ type })),
        `${filter0}: filter.${field} must be specified for ${type} filter.type`,
      ],
      [
        `another filter with ${field}`,
        grpcRoute(filters({ ...other, [field]: value })),
        `${filter0}: filter.${field} must be nil if the filter.type is not ${type}`,
      ],
    ] as const;
  }),
  [
    'a mirror by percent and fraction',
    grpcRoute(
      filters({ type: 'RequestMirror', requestMirror: { backendRef: cart, percent: 1, fraction: { numerator: 1 } } }),
    ),
    `${filter0}.requestMirror: Only one of percent or fraction may be specified in HTTPRequestMirrorFilter`,
  ],
  [
    'more than the whole',
    grpcRoute(
      filters({
        type: 'RequestMirror',
        requestMirror: { backendRef: cart, fraction: { numerator: 3, denominator: 2 } },
      }),
    ),
    `${filter0}.requestMirror.fraction: numerator must be less than or equal to denominator`,
  ],
  [
    'a permanent cookie without an end',
    grpcRoute(persistence({ type: 'Cookie', cookie: { lifetimeType: 'Permanent' } })),
    `${rule0}.sessionPersistence: AbsoluteTimeout must be specified when cookie lifetimeType is Permanent`,
  ],
  [
    'a session by header with a cookie',
    grpcRoute(persistence({ type: 'Header', cookie: {}, header: { name: 'a' } })),
    `${rule0}.sessionPersistence: cookie must be nil if type is not Cookie`,
  ],
  [
    'a session by cookie with a header',
    grpcRoute(persistence({ type: 'Cookie', cookie: {}, header: { name: 'a' } })),
    `${rule0}.sessionPersistence: header must be nil if type is not Header`,
  ],
  [
    'a session by header without one',
    grpcRoute(persistence({ type: 'Header' })),
    `${rule0}.sessionPersistence: header must be specified for Header type`,
  ],
  [
    'a session by cookie without one',
    grpcRoute(persistence({ type: 'Cookie' })),
    `${rule0}.sessionPersistence: cookie must be specified for Cookie type`,
  ],
];

/** Every rule of a kind's spec, each once. */
function rulesOf(kind: string): ReadonlySet<string> {
  const definition = kindDefinitions.get(kind);
  const rules = new Set<string>();
  const collect = (schema: Schema | undefined): void => {
    if (schema === undefined) return;
    for (const { rule } of schema['x-kubernetes-validations'] ?? []) rules.add(rule);
    for (const property of Object.values(schema.properties ?? {})) collect(property);
    collect(schema.items);
    collect(schema.additionalProperties);
  };
  for (const version of Object.keys(definition?.versions ?? {})) if (definition) collect(schemaOf(definition, version));
  return rules;
}

describe.each([
  ['HTTPRoute', httpCases],
  ['GRPCRoute', grpcCases],
] as const)('the rules of %s', (kind, cases) => {
  it.each(cases)('refuse %s', (_, input, message) => {
    expect(broken(input)).toContain(message);
  });

  it('are all broken by some case here', () => {
    const seen = new Set(
      cases.flatMap(([, input]) => {
        const decoded = decodeObject(input);
        return decoded.ok
          ? []
          : decoded.error.filter(({ code }) => code === 'rule').map(({ expected }) => expected ?? '');
      }),
    );
    // A path of another type is refused by the list of types before the rule that repeats it is asked.
    const unreachable = ["self.type in ['Exact','PathPrefix'] || self.type == 'RegularExpression'"];
    const missed = [...rulesOf(kind)].filter((rule) => !seen.has(rule) && !unreachable.includes(rule));
    expect(missed).toEqual([]);
  });
});

describe('the rules of every kind', () => {
  const rules = [...kindDefinitions.keys()].flatMap((kind) => [...rulesOf(kind)]);

  it('can be parsed', () => {
    const engine = new RuleEngine(new PatternCache());
    const unparsed = rules.filter((rule) => {
      const outcome = engine.evaluate(rule, {}, {});
      return outcome.type === 'failed' && /pars|expecting|unbound/i.test(outcome.message);
    });
    expect([rules.length > 100, unparsed]).toEqual([true, []]);
  });
});

const experimental = (kind: string, spec: Fields) => ({
  apiVersion: 'gateway.networking.x-k8s.io/v1alpha1',
  kind,
  metadata: { name: 'a' },
  spec,
});
const tls = (spec: Fields, version = 'v1') => ({
  apiVersion: `gateway.networking.k8s.io/${version}`,
  kind: 'TLSRoute',
  metadata: { name: 'a' },
  spec: { rules: [{ backendRefs: [cart] }], ...spec },
});
const backendTls = (fields: Fields) => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'BackendTLSPolicy',
  metadata: { name: 'a' },
  spec: { targetRefs: [{ group: '', kind: 'Service', name: 'cart' }], validation: { hostname: 'a.b', ...fields } },
});
const target = { group: '', kind: 'Service', name: 'cart' };

describe('rules that need what Kubernetes adds to CEL', () => {
  it.each([
    ['isIP', tls({ hostnames: ['10.0.0.1'] }), ['spec.hostnames: Hostnames cannot contain an IP']],
    ['substring', tls({ hostnames: ['*.a.b'] }), []],
    [
      'duration',
      experimental('XBackendTrafficPolicy', { targetRefs: [target], retryConstraint: { budget: { interval: '2h' } } }),
      ['spec.retryConstraint.budget.interval: interval cannot be greater than one hour or less than one second'],
    ],
    [
      'duration that holds',
      experimental('XBackendTrafficPolicy', {
        targetRefs: [target],
        retryConstraint: { budget: { interval: '10s', percent: 20 } },
      }),
      [],
    ],
    [
      'a sum of presences',
      backendTls({}),
      ['spec.validation: exactly one of the fields in [caCertificateRefs wellKnownCACertificates] must be set'],
    ],
    ['a sum of presences that holds', backendTls({ wellKnownCACertificates: 'System' }), []],
  ])('%s', (_, input, expected) => {
    expect(broken(input)).toEqual(expected);
  });

  it('format.qualifiedName', () => {
    const backend = (key: string) =>
      experimental('XBackend', {
        type: 'EndpointSelector',
        port: { number: 80 },
        endpointSelector: { matchLabels: { [key]: 'a' } },
      });
    const found = broken(backend('a b')).filter((message) => message.startsWith('spec.endpointSelector.matchLabels'));
    expect(found).toHaveLength(1);
    expect(broken(backend('a.b/c')).filter((message) => message.startsWith('spec.endpointSelector'))).toEqual([]);
  });
});

describe('transition rules', () => {
  const mesh = (controllerName: string) => experimental('XMesh', { controllerName });

  it('are checked only against an old object', () => {
    expect(decodeObject(mesh('a.b/c')).ok).toBe(true);
    expect(decodeObject(mesh('a.b/c'), { oldObject: mesh('a.b/c') }).ok).toBe(true);
    const changed = decodeObject(mesh('a.b/c'), { oldObject: mesh('a.b/d') });
    expect(changed).toMatchObject({
      ok: false,
      error: [{ path: 'spec.controllerName', message: 'field is immutable' }],
    });
  });

  it('pass over an old object that cannot be read', () => {
    expect(decodeObject(mesh('a.b/c'), { oldObject: { spec: 5 } }).ok).toBe(true);
  });
});
