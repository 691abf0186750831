import type { CertificatesView, RouteView, ServiceView, StatusView } from '@tulle/admin-api';

const apiVersion = 'cli.tulle.dev/v1';

/** Two nodes, of which one is behind and captures a pod too few. */
export const statusView: StatusView = {
  apiVersion,
  kind: 'Status',
  controller: {
    state: 'running',
    version: '0.1.0',
    uptimeMs: 61_000,
    source: 'directory',
    trustDomain: 'cluster.local',
    mtlsMode: 'permissive',
    configVersion: '412',
    publishedAt: '2026-05-01T10:00:00.000Z',
    objects: { Service: 3, HTTPRoute: 1 },
  },
  ca: {
    state: 'ok',
    rootNotAfter: '2036-05-01T10:00:00.000Z',
    rootExpiresInMs: 9.5 * 365.25 * 86_400_000,
    issuedLast24Hours: 212,
    refusedLast24Hours: 0,
  },
  nodes: [
    {
      name: 'n1',
      agent: 'ready',
      podsCaptured: 14,
      podsWanted: 14,
      configVersion: '412',
      behindMs: 0,
      certificates: 6,
      lastReportAgeMs: 900,
      requestsPerSecond: 1812.4,
      successShare: 0.999_99,
    },
    {
      name: 'n2',
      agent: 'ready',
      podsCaptured: 11,
      podsWanted: 12,
      configVersion: '411',
      behindMs: 2100,
      certificates: 5,
      lastReportAgeMs: 1200,
    },
  ],
  problems: [
    {
      severity: 'error',
      code: 'NotCaptured',
      object: { kind: 'Pod', namespace: 'shop', name: 'worker-x2k' },
      message: 'labelled but not captured: its network namespace was not found',
      hint: 'tulle playground logs n2',
    },
    {
      severity: 'warning',
      code: 'InvalidObject',
      object: { kind: 'HTTPRoute', namespace: 'shop', name: 'cart' },
      message: 'spec.rules[0].matches: expected a list, found "all"; the last valid version is used',
      file: 'cart.yaml',
      line: 12,
    },
  ],
};

const clients = {
  type: 'others',
  exceptNamespaces: ['qa'],
  text: 'every client, except those of namespace qa',
} as const;
const qaClients = { type: 'namespace', namespace: 'qa', text: 'clients in namespace qa' } as const;

/** A Service with a canary, and a consumer route of namespace qa. */
export const serviceView: ServiceView = {
  apiVersion,
  kind: 'Service',
  namespace: 'shop',
  name: 'cart',
  clusterIPs: ['10.96.12.40'],
  ports: [{ port: 80, name: 'http', targetPort: 8080, protocol: 'http', routeKind: 'http' }],
  routes: [
    {
      role: 'producer',
      kind: 'HTTPRoute',
      namespace: 'shop',
      name: 'cart-canary',
      accepted: true,
      reason: 'Accepted',
      message: '',
      clients,
    },
    {
      role: 'consumer',
      kind: 'HTTPRoute',
      namespace: 'qa',
      name: 'cart-always-v2',
      accepted: true,
      reason: 'Accepted',
      message: '',
      clients: qaClients,
    },
    {
      role: 'producer',
      kind: 'GRPCRoute',
      namespace: 'shop',
      name: 'cart-grpc',
      port: 80,
      accepted: false,
      reason: 'NoMatchingParent',
      message: 'an HTTPRoute has the port already',
    },
  ],
  ruleGroups: [
    {
      service: 'shop/cart',
      port: 80,
      protocol: 'http',
      clients,
      rules: [
        {
          order: 1,
          match: { text: 'header x-team = qa' },
          route: 'HTTPRoute/shop/cart-canary',
          ruleIndex: 0,
          backends: [
            { service: 'shop/cart-v2', port: 80, weight: 1, share: 1, valid: true, endpoints: { ready: 0, total: 1 } },
          ],
          details: [],
        },
        {
          order: 2,
          match: { text: 'everything' },
          route: 'HTTPRoute/shop/cart-canary',
          ruleIndex: 1,
          backends: [
            {
              service: 'shop/cart-v1',
              port: 80,
              weight: 9,
              share: 0.9,
              valid: true,
              endpoints: { ready: 2, total: 2 },
            },
            { weight: 1, share: 0.1, valid: false, reason: 'BackendNotFound', message: 'no Service "cart-v3"' },
          ],
          details: ['timeout 2 s', '2 retries on 502 503'],
          requestTimeoutMs: 2000,
        },
      ],
    },
    {
      service: 'shop/cart',
      port: 80,
      protocol: 'http',
      clients: qaClients,
      rules: [
        {
          order: 1,
          match: { text: 'everything' },
          route: 'HTTPRoute/qa/cart-always-v2',
          ruleIndex: 0,
          backends: [{ service: 'shop/cart-v2', port: 80, weight: 1, share: 1, valid: true }],
          details: [],
        },
      ],
    },
  ],
  endpoints: [
    {
      service: 'shop/cart-v1',
      servicePort: 80,
      address: '10.244.1.7',
      port: 8080,
      ready: true,
      pod: 'shop/cart-v1-a',
      node: 'n1',
      mesh: 'in',
      identity: 'spiffe://cluster.local/ns/shop/sa/cart',
    },
    { service: 'shop/cart-v1', servicePort: 80, address: 'fd00::9', port: 8080, ready: true, node: 'n2' },
    {
      service: 'shop/cart-v2',
      servicePort: 80,
      address: '10.244.2.10',
      port: 8080,
      ready: false,
      pod: 'shop/cart-v2-b',
      node: 'n2',
      mesh: 'out',
      meshReason: 'host network',
    },
  ],
  problems: [],
};

/** A route whose parent does not exist. */
export const notAppliedRoute: RouteView = {
  apiVersion,
  kind: 'Route',
  routeKind: 'HTTPRoute',
  namespace: 'shop',
  name: 'old',
  applied: 'notApplied',
  parents: [
    {
      parent: { group: '', kind: 'Service', namespace: 'shop', name: 'carts' },
      role: 'producer',
      conditions: [
        {
          type: 'Accepted',
          status: 'False',
          reason: 'NoMatchingParent',
          message: 'there is no Service "carts" in namespace "shop" (did you mean "cart"?)',
        },
        { type: 'ResolvedRefs', status: 'True', reason: 'ResolvedRefs', message: '' },
      ],
    },
  ],
  ruleGroups: [],
  problems: [
    {
      severity: 'error',
      code: 'NoMatchingParent',
      object: { kind: 'HTTPRoute', namespace: 'shop', name: 'old' },
      message: 'there is no Service "carts" in namespace "shop" (did you mean "cart"?)',
    },
    {
      severity: 'error',
      code: 'InvalidManifest',
      object: { kind: 'HTTPRoute', namespace: 'shop', name: 'old' },
      message: 'spec.rules: expected a list; its last valid version is used',
      file: 'old.yaml',
      line: 3,
    },
  ],
};

/** A consumer route that is applied. */
export const appliedRoute: RouteView = {
  apiVersion,
  kind: 'Route',
  routeKind: 'GRPCRoute',
  namespace: 'qa',
  name: 'old',
  applied: 'applied',
  parents: [
    {
      parent: { group: '', kind: 'Service', namespace: 'shop', name: 'cart', port: 80 },
      role: 'consumer',
      conditions: [
        { type: 'Accepted', status: 'True', reason: 'Accepted', message: '' },
        { type: 'ResolvedRefs', status: 'True', reason: 'ResolvedRefs', message: '' },
      ],
    },
  ],
  ruleGroups: serviceView.ruleGroups.slice(1),
  problems: [],
};

/** A root, a certificate, and one that an agent could not get. */
export const certificatesView: CertificatesView = {
  apiVersion,
  kind: 'Certificates',
  roots: [
    {
      subject: 'CN=Tulle root',
      fingerprintSha256: 'ab'.repeat(32),
      notBefore: '2026-05-01T10:00:00.000Z',
      notAfter: '2036-05-01T10:00:00.000Z',
      expiresInMs: 9.5 * 365.25 * 86_400_000,
      signing: true,
    },
  ],
  certificates: [
    {
      node: 'n1',
      identity: 'spiffe://cluster.local/ns/shop/sa/cart',
      namespace: 'shop',
      serviceAccount: 'cart',
      state: 'valid',
      notBefore: '2026-05-01T10:00:00.000Z',
      notAfter: '2026-05-02T10:00:00.000Z',
      expiresInMs: 80_000_000,
      serialNumber: '0a1b',
      issuer: 'CN=Tulle root',
      nextRenewal: '2026-05-01T21:07:03.000Z',
    },
    {
      node: 'n2',
      identity: 'spiffe://cluster.local/ns/shop/sa/web',
      namespace: 'shop',
      serviceAccount: 'web',
      state: 'missing',
      lastError: 'PERMISSION_DENIED: no pod of node n2 has this identity',
    },
  ],
};
