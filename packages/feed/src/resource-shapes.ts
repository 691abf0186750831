import { CodedError, err, errorMessage, ok, type Result } from '@tulle/core';
import { authorizationPolicyKey, serviceKey, serviceRoutesKey, settingsKey, workloadKey } from '@tulle/ir';
import type {
  AuthorizationPolicy,
  MeshService,
  ResourceKind,
  ResourceTypes,
  ServiceEndpoints,
  ServiceRoutes,
  Workload,
} from '@tulle/ir';
import type { AnyResource } from './kinds.ts';
import {
  all,
  boolean,
  integer,
  isObject,
  list,
  mapOf,
  oneOf,
  positiveNumber,
  record,
  tagged,
  text,
  type Check,
} from './shape.ts';

const port = integer(1, 65_535);
const name = text(253);
const mtlsMode = oneOf('permissive', 'strict');

const settings = record(
  { trustDomain: text(255), mtlsMode },
  { trust: record({ rootsPem: text(1024 * 1024), signingRoot: text(255) }) },
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
const namedMatch = record({ name: text(), match: stringMatch });
const pathMatch = tagged('type', {
  exact: record({ value: text() }),
  prefix: record({ value: text() }),
  regex: record({ value: text() }),
});
const httpMatch = record(
  { path: pathMatch, headers: list(namedMatch), queryParams: list(namedMatch) },
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
  mirror: record({ backend: backendTarget, numerator: integer(0), denominator: integer(1) }),
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
const httpTable: Check = all(
  record({ rules: list(httpRule), matches: list(record({ match: httpMatch, rule: integer(0) })) }),
  (value, at) => {
    const { rules, matches } = value as { rules: readonly unknown[]; matches: readonly { rule: number }[] };
    const index = matches.findIndex((match) => match.rule >= rules.length);
    return index < 0 ? undefined : `${at}.matches[${index}].rule: there is no such rule`;
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

const shapes: { readonly [K in ResourceKind]: Check } = { settings, policy, workload, service, endpoints, routes };

/** The word `any`, or what `check` takes: never an absent field, for that must not open a port. */
function anyOr(check: Check): Check {
  return (value, at) => (value === 'any' ? undefined : check(value, at));
}

/**
 * Reads a resource from its JSON: its shape must be the kind's and its own names must give the key it came under. Fields
 * that are not known are kept and not looked at. Error code `invalid-resource`; the message names the resource, the
 * place in it, and what was expected.
 */
export function decodeResource<K extends ResourceKind>(
  kind: K,
  key: string,
  bytes: Uint8Array,
): Result<ResourceTypes[K], CodedError> {
  const refuse = (problem: string) => err(new CodedError('invalid-resource', `${kind} ${key}: ${problem}`));
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  } catch (cause) {
    return refuse(`not JSON: ${errorMessage(cause)}`);
  }
  const problem = shapes[kind](value, '$');
  if (problem !== undefined) return refuse(problem);
  if (!isObject(value)) return refuse('not an object');
  const checked: object = value;
  const resource = checked as ResourceTypes[K];
  const ownKey = keyOf(kind, resource);
  return ownKey === key ? ok(resource) : refuse(`its own names make it ${ownKey}`);
}

function keyOf(kind: ResourceKind, resource: AnyResource): string {
  switch (kind) {
    case 'settings':
      return settingsKey;
    case 'policy':
      return authorizationPolicyKey(resource as AuthorizationPolicy);
    case 'workload':
      return workloadKey(resource as Workload);
    case 'service':
      return serviceKey(resource as MeshService);
    case 'endpoints':
      return serviceKey(resource as ServiceEndpoints);
    case 'routes':
      return serviceRoutesKey(resource as ServiceRoutes);
  }
}
