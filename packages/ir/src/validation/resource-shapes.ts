import type { ResourceKind } from '../mesh.ts';
import type { HeaderMatch, HttpFilter, HttpRouteTable, PathMatch } from '../route.ts';
import type { Check } from './inspection.ts';
import {
  anyOr,
  boolean,
  integer,
  list,
  mapOf,
  oneOf,
  positiveNumber,
  record,
  tagged,
  text,
  withRule,
} from './shape.ts';

const port = integer(1, 65_535);
const name = text(253);
const rootsPem = text(1024 * 1024);
const mtlsMode = oneOf('permissive', 'strict');

const settings = record(
  { trustDomain: text(255), mtlsMode },
  {
    trust: record(
      { rootsPem, signingRoot: text(255) },
      { federated: list(record({ trustDomain: text(255), rootsPem }), 100) },
    ),
    sessionKey: text(128),
    certificateAuthority: record({ address: text(512), serverName: name, rootsPem }),
  },
);

const identityMatch = tagged('type', { exact: record({ identity: text() }), prefix: record({ prefix: text() }) });
const policy = record({
  namespace: name,
  name,
  rules: list(record({ sources: anyOr(list(identityMatch)), ports: anyOr(list(port)) })),
});

const workload = record(
  {
    uid: text(),
    namespace: name,
    name,
    node: name,
    addresses: list(text(64)),
    workloadName: text(),
    serviceAccount: name,
    identity: text(),
    mesh: tagged('state', { in: record({}), out: record({ reason: text() }) }),
    mtlsMode,
    opaquePorts: list(port),
    zone: text(),
  },
  { policies: list(text()) },
);

const subjectAltName = record({ type: oneOf('hostname', 'uri'), value: text() });
const backendTls = tagged('type', {
  originate: record({
    hostname: name,
    subjectAltNames: list(subjectAltName),
    trust: tagged('type', { pem: record({ certificates: text(16 * 1024 * 1024) }), system: record({}) }),
  }),
  invalid: record({ message: text(64 * 1024) }),
});
const sessionPersistence = record(
  { type: oneOf('cookie', 'header'), name: text(), lifetime: oneOf('session', 'permanent') },
  { path: text(), absoluteTimeoutMs: integer(0) },
);
const retryBudget = record({ percent: integer(0, 100), intervalMs: integer(1), minPerSecond: positiveNumber });
const service = record(
  {
    namespace: name,
    name,
    clusterIPs: list(text(64)),
    ports: list(
      record(
        {
          port,
          name: text(),
          protocol: oneOf('detect', 'http', 'http2', 'grpc', 'https', 'tcp', 'opaque'),
          routeKind: oneOf('none', 'http', 'grpc', 'tls', 'tcp'),
        },
        { tls: backendTls },
      ),
    ),
    trafficDistribution: oneOf('any', 'prefer-same-zone', 'prefer-same-node', 'local-only'),
  },
  { retryBudget, sessionPersistence },
);

const endpoint = record(
  { address: text(253), port, ready: boolean },
  { workload: text(), node: text(), zone: text(), forZones: list(text()), forNodes: list(text()) },
);
const endpoints = record({ namespace: name, name, ports: list(record({ port, endpoints: list(endpoint) })) });

const stringMatch = tagged('type', { exact: record({ value: text() }), regex: record({ value: text() }) });
const headerMatch = withRule(record({ name: text(), match: stringMatch }), ({ name }: HeaderMatch) =>
  name === name.toLowerCase() ? undefined : { at: ['name'], message: `"${name}" is not in lower case` },
);
const queryParamMatch = record({ name: text(), match: stringMatch });
const pathMatch = tagged('type', {
  exact: record({ value: text() }),
  prefix: withRule(record({ value: text() }), ({ value }: PathMatch) =>
    value === '/' || (value.startsWith('/') && !value.endsWith('/'))
      ? undefined
      : { at: ['value'], message: `"${value}" does not begin with a slash, or ends with one` },
  ),
  regex: record({ value: text() }),
});
const httpMatch = record(
  { path: pathMatch, headers: list(headerMatch), queryParams: list(queryParamMatch) },
  { method: text() },
);

const headerValue = record({ name: text(), value: text() });
const modifier = record({ set: list(headerValue), add: list(headerValue), remove: list(text()) });
const pathModifier = tagged('type', { full: record({ value: text() }), prefix: record({ value: text() }) });
const backendTarget = tagged('type', {
  service: record({ service: text(), port }),
  invalid: record({ reason: text(), message: text() }),
});
const filter = tagged('type', {
  requestHeaders: record({ modifier }),
  responseHeaders: record({ modifier }),
  redirect: record(
    { statusCode: oneOf(301, 302, 303, 307, 308) },
    { scheme: oneOf('http', 'https'), hostname: text(), path: pathModifier, port },
  ),
  rewrite: record({}, { hostname: text(), path: pathModifier }),
  mirror: withRule(
    record({ backend: backendTarget, numerator: integer(0), denominator: integer(1) }),
    ({ numerator, denominator }: Extract<HttpFilter, { type: 'mirror' }>) =>
      numerator <= denominator
        ? undefined
        : { at: ['numerator'], message: `${numerator} is more than the denominator ${denominator}` },
  ),
  cors: record({
    allowOrigins: list(text()),
    allowCredentials: boolean,
    allowMethods: list(text()),
    allowHeaders: list(text()),
    exposeHeaders: list(text()),
    maxAgeSeconds: integer(0),
  }),
});
const backend = record({ target: backendTarget, weight: integer(0), filters: list(filter) });

const ruleBasics = { route: text(), index: integer(0) };
const httpRule = record(
  { ...ruleBasics, filters: list(filter), backends: list(backend) },
  {
    name: text(),
    requestTimeoutMs: integer(0),
    backendRequestTimeoutMs: integer(0),
    retry: record({
      codes: list(integer(100, 599)),
      connectionErrors: boolean,
      attempts: integer(0),
      backoffMs: integer(0),
    }),
    sessionPersistence,
  },
);
const httpTable = withRule(
  record({ rules: list(httpRule), matches: list(record({ match: httpMatch, rule: integer(0) })) }),
  ({ rules, matches }: HttpRouteTable) => {
    const index = matches.findIndex((match) => match.rule >= rules.length);
    return index < 0 ? undefined : { at: ['matches', index, 'rule'], message: 'there is no such rule' };
  },
);
const tcpRule = record({ ...ruleBasics, backends: list(backend) }, { name: text() });
const tlsRule = record({ ...ruleBasics, backends: list(backend), serverNames: list(text()) }, { name: text() });
const routeTable = tagged('kind', {
  http: record({ table: httpTable }),
  grpc: record({ table: httpTable }),
  tls: record({ rules: list(tlsRule) }),
  tcp: record({ rules: list(tcpRule) }),
});
const routes = record({ namespace: name, name, port, consumers: mapOf(routeTable) }, { producer: routeTable });

/** What each kind of resource looks like. */
export const resourceShapes: { readonly [K in ResourceKind]: Check } = {
  settings,
  policy,
  workload,
  service,
  endpoints,
  routes,
};
