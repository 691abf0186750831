import { stringify } from 'yaml';
import { versions, type Manifest, type RouteCase } from './model.ts';

const meshed = (name: string): Manifest => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels: { 'tulle.dev/mesh': 'enabled' } },
});

const ports = [
  { name: 'http', port: 80, targetPort: 8080 },
  { name: 'other', port: 81, targetPort: 8080 },
  { name: 'h2c', port: 90, targetPort: 8090, appProtocol: 'kubernetes.io/h2c' },
  { name: 'lines', port: 7000, targetPort: 7000 },
  { name: 'tls', port: 443, targetPort: 8443 },
];

function service(name: string, app: string, more: object = {}, namespace = 'routes'): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace },
    spec: { selector: { app }, ports, ...more },
  };
}

function pod(name: string, namespace: string, nodeName: string, container: object): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels: { app: name } },
    spec: { nodeName, containers: [{ name: 'main', ...container }] },
  };
}

/** What servers show over TLS, and who signed it; and an authority that did not. PEM. */
export interface SuiteCertificates {
  readonly certificate: string;
  readonly key: string;
  readonly root: string;
  readonly otherRoot: string;
}

/** The authorities as policies may name them. */
function authorities({ root, otherRoot }: SuiteCertificates): Manifest[] {
  const configMap = (name: string, pem: string) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: 'routes' },
    data: { 'ca.crt': pem },
  });
  return [
    configMap('suite-ca', root),
    configMap('other-ca', otherRoot),
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'suite-ca', namespace: 'routes' },
      data: { 'ca.crt': Buffer.from(root).toString('base64') },
    },
    {
      apiVersion: 'certificates.k8s.io/v1beta1',
      kind: 'ClusterTrustBundle',
      metadata: { name: 'suite-ca' },
      spec: { trustBundle: root },
    },
  ];
}

/** What all cases share: a server of each version, clients in two namespaces, and Services that something is wrong with. */
export function sharedManifests(certificates: SuiteCertificates): Manifest[] {
  const { certificate, key } = certificates;
  const ofTls = [
    { name: 'TLS_CERT', value: certificate },
    { name: 'TLS_KEY', value: key },
  ];
  return [
    ...authorities(certificates),
    meshed('routes'),
    meshed('guests'),
    ...versions.map((version, i) =>
      pod(version, 'routes', i === 1 ? 'n1' : 'n2', {
        command: ['node', 'route-server.mjs'],
        env: [{ name: 'VERSION', value: version }, ...ofTls],
        ports: [8080, 8090, 7000, 8443].map((containerPort) => ({ containerPort })),
      }),
    ),
    pod('client', 'routes', 'n1', { command: ['node', 'idle.mjs'] }),
    pod('client', 'guests', 'n1', { command: ['node', 'idle.mjs'] }),
    ...versions.map((version) => service(version, version)),
    pod('abroad', 'guests', 'n2', {
      command: ['node', 'route-server.mjs'],
      env: [{ name: 'VERSION', value: 'green' }],
      ports: [{ containerPort: 8080 }],
    }),
    service('abroad', 'abroad', {}, 'guests'),
    service('nobody', 'nobody'),
    pod('slow', 'routes', 'n2', {
      command: ['node', 'route-server.mjs'],
      env: [{ name: 'DELAY_MS', value: '1500' }],
      ports: [{ containerPort: 8080 }],
    }),
    service('slow', 'slow'),
    service('deaf', 'red', { ports: [{ name: 'http', port: 80, targetPort: 9 }] }),
    service('headless', 'red', { clusterIP: 'None', ports: [{ name: 'http', port: 80, targetPort: 8080 }] }),
    service('routed', 'red'),
    {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'HTTPRoute',
      metadata: { name: 'routed', namespace: 'routes' },
      spec: {
        parentRefs: [{ group: '', kind: 'Service', name: 'routed' }],
        rules: [{ backendRefs: [{ name: 'blue', port: 80 }] }],
      },
    },
  ];
}

/** The objects of a case: its Service, whose own endpoints are those of red, and its routes. */
export function caseManifests(one: RouteCase): Manifest[] {
  return [service(one.service, 'red'), ...one.manifests];
}

/** Objects as a file of YAML. */
export function yamlOf(manifests: readonly Manifest[]): string {
  return manifests.map((manifest) => stringify(manifest, { aliasDuplicateObjects: false })).join('---\n');
}
