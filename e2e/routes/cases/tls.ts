import { CaseGroup, dialTls, get, invalidBackend, route, to } from '../build.ts';
import type { Expectation, Manifest } from '../model.ts';

const routes = new CaseGroup('tls-routes');
const guest = { from: 'guests' } as const;
const tlsTo = (...names: readonly string[]) => ({
  rules: [{ backendRefs: names.map((name) => to(name, { port: 443 })) }],
});
const tlsRoute = (service: string, hostnames: readonly string[], spec: object, place: object = {}) =>
  route('TLSRoute', service, { hostnames, ...spec }, { parent: { port: 443 }, ...place });

routes.add('without a route the bytes go to the Service', () => [], dialTls('any.example', { version: 'red' }));
routes.add(
  'by server name, to the end, without terminating',
  (service) => [tlsRoute(service, ['green.example'], tlsTo('green'))],
  dialTls('green.example', { version: 'green', sni: 'green.example' }),
  dialTls('other.example', { fails: true }),
);
routes.add(
  'a wildcard takes one label or more, not the name itself',
  (service) => [tlsRoute(service, ['*.example'], tlsTo('blue'))],
  dialTls('a.example', { version: 'blue' }),
  dialTls('example', { fails: true }),
);
routes.add(
  'an exact name before a wildcard',
  (service) => [
    tlsRoute(service, ['*.example'], tlsTo('blue'), { name: `${service}-a` }),
    tlsRoute(service, ['green.example'], tlsTo('green'), { name: `${service}-b` }),
  ],
  dialTls('green.example', { version: 'green' }),
  dialTls('a.example', { version: 'blue' }),
);
routes.add(
  'weights',
  (service) => [tlsRoute(service, ['a.example'], tlsTo('blue', 'green'))],
  dialTls('a.example', { shares: { '200 blue': 10, '200 green': 10 }, within: 3 }, { count: 20 }),
);
routes.add(
  'a backend that is not there',
  (service) => [tlsRoute(service, ['a.example'], tlsTo('not-there'))],
  dialTls('a.example', { fails: true }),
);
routes.add(
  'of a consumer',
  (service) => [tlsRoute(service, ['a.example'], tlsTo('green'), { namespace: 'guests' })],
  dialTls('a.example', { version: 'red' }),
  dialTls('a.example', { version: 'green' }, guest),
);
routes.add(
  'before a TCPRoute',
  (service) => [
    route('TCPRoute', service, tlsTo('blue'), { name: `${service}-a`, parent: { port: 443 } }),
    tlsRoute(service, ['a.example'], tlsTo('green'), { name: `${service}-b` }),
  ],
  dialTls('a.example', { version: 'green' }),
);

const policies = new CaseGroup('tls-policies');

/** A backend of green's port for TLS, a policy for it, and a route to it. */
function withPolicy(service: string, validation: object, more: { readonly sectionName?: string } = {}): Manifest[] {
  const name = `${service}-tls`;
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: 'routes' },
      spec: {
        selector: { app: 'green' },
        ports: [
          { name: 'tls', port: 443, targetPort: 8443 },
          { name: 'plain', port: 80, targetPort: 8080 },
        ],
      },
    },
    {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'BackendTLSPolicy',
      metadata: { name, namespace: 'routes' },
      spec: { targetRefs: [{ group: '', kind: 'Service', name, ...more }], validation },
    },
    route('HTTPRoute', service, {
      rules: [
        { matches: [{ path: { value: '/plain' } }], backendRefs: [to(name)] },
        { backendRefs: [to(name, { port: 443 })] },
      ],
    }),
  ];
}

const from = (kind: string, name = 'suite-ca', group = '') => ({ caCertificateRefs: [{ group, kind, name }] });
const hostname = 'app.example';
const secure: Expectation = { status: 200, version: 'green', seen: { sni: hostname } };
const refused: Expectation = { status: 503 };
const policy = (name: string, validation: object, expectation: Expectation) =>
  policies.add(name, (service) => withPolicy(service, validation), get('/', expectation));

policy('CA certificates of a ConfigMap', { hostname, ...from('ConfigMap') }, secure);
// Secrets of a cluster's applications are never read: there, the policy says that it cannot be used.
policies.add('CA certificates of a Secret', (service) => withPolicy(service, { hostname, ...from('Secret') }), {
  ...get('/', secure),
  onKubernetes: invalidBackend,
});
policy(
  'CA certificates of a ClusterTrustBundle',
  { hostname, ...from('ClusterTrustBundle', 'suite-ca', 'certificates.k8s.io') },
  secure,
);
policy('CA certificates that are not there', { hostname, ...from('ConfigMap', 'gone') }, invalidBackend);
policy('an authority that did not sign', { hostname, ...from('ConfigMap', 'other-ca') }, refused);
policy('the authorities of the system did not sign', { hostname, wellKnownCACertificates: 'System' }, refused);
policy('a host name that the certificate does not have', { hostname: 'wrong.example', ...from('ConfigMap') }, refused);
const names = (subjectAltNames: readonly object[], more: object = {}) => ({
  hostname,
  ...from('ConfigMap'),
  subjectAltNames,
  ...more,
});
policy('a name besides the host name', names([{ type: 'Hostname', hostname: 'other-app.example' }]), secure);
policy('a SPIFFE id', names([{ type: 'URI', uri: 'spiffe://suite.example/app' }]), secure);
policy(
  'one of several names',
  names([
    { type: 'URI', uri: 'spiffe://suite.example/no' },
    { type: 'Hostname', hostname },
  ]),
  secure,
);
policy('no name that the certificate has', names([{ type: 'URI', uri: 'spiffe://suite.example/no' }]), refused);
policy('with names, the host name proves nothing', names([{ type: 'Hostname', hostname: 'not-app.example' }]), refused);
policies.add(
  'for the port that it names only',
  (service) => withPolicy(service, { hostname, ...from('ConfigMap') }, { sectionName: 'tls' }),
  get('/', secure),
  get('/plain', { status: 200, version: 'green', seen: { sni: null } }),
);

export const cases = [routes, policies].flatMap((group) => group.cases);
