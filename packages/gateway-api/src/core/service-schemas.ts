import type { KindDefinition } from '../schema.ts';
import {
  address,
  anyObject,
  condition,
  coreKind,
  dnsLabel,
  flag,
  labelSelector,
  list,
  object,
  oneOf,
  port,
  portOrName,
  requiredText,
  text,
  transportProtocol,
} from './schema-parts.ts';

const servicePort = object(
  {
    name: dnsLabel,
    protocol: transportProtocol,
    appProtocol: text,
    port,
    targetPort: portOrName,
    nodePort: { type: 'integer', minimum: 0, maximum: 65535 },
  },
  ['port'],
);

const service = coreKind(
  { kind: 'Service', group: '', scope: 'Namespaced', hub: 'v1' },
  {
    spec: object({
      type: oneOf(['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'], 'ClusterIP'),
      clusterIP: { type: 'string', format: 'cluster-ip' },
      clusterIPs: list({ type: 'string', format: 'cluster-ip' }),
      ipFamilies: list(oneOf(['IPv4', 'IPv6'])),
      ipFamilyPolicy: oneOf(['SingleStack', 'PreferDualStack', 'RequireDualStack']),
      selector: { type: 'object', additionalProperties: { type: 'string', format: 'label-value' } },
      ports: list(servicePort),
      externalName: text,
      externalIPs: list(address),
      internalTrafficPolicy: oneOf(['Cluster', 'Local'], 'Cluster'),
      externalTrafficPolicy: oneOf(['Cluster', 'Local']),
      trafficDistribution: text,
      publishNotReadyAddresses: flag,
      sessionAffinity: oneOf(['None', 'ClientIP'], 'None'),
    }),
    status: object({
      conditions: list(condition),
      loadBalancer: object({ ingress: list(object({ ip: text, hostname: text })) }),
    }),
  },
  ['spec'],
);

const named = list(object({ name: requiredText }, ['name']));

const endpointSlice = coreKind(
  { kind: 'EndpointSlice', group: 'discovery.k8s.io', scope: 'Namespaced', hub: 'v1' },
  {
    addressType: oneOf(['IPv4', 'IPv6', 'FQDN']),
    endpoints: {
      ...list(
        object(
          {
            addresses: { type: 'array', items: requiredText, minItems: 1, maxItems: 100 },
            conditions: object({ ready: flag, serving: flag, terminating: flag }),
            hostname: dnsLabel,
            nodeName: text,
            zone: text,
            targetRef: object({ kind: text, namespace: text, name: text, uid: text }),
            hints: object({ forZones: named, forNodes: named }),
          },
          ['addresses'],
        ),
      ),
      maxItems: 1000,
      default: [],
    },
    ports: {
      ...list(
        object({
          name: { type: 'string', default: '' },
          protocol: transportProtocol,
          port: { type: 'integer', minimum: 0, maximum: 65535 },
          appProtocol: text,
        }),
      ),
      maxItems: 20000,
    },
  },
  ['addressType'],
);

const serviceImport = coreKind(
  { kind: 'ServiceImport', group: 'multicluster.x-k8s.io', scope: 'Namespaced', hub: 'v1alpha1' },
  {
    spec: object(
      {
        type: oneOf(['ClusterSetIP', 'Headless']),
        ips: list(address),
        ports: {
          ...list(object({ name: text, protocol: transportProtocol, appProtocol: text, port }, ['port'])),
          default: [],
        },
      },
      ['type'],
    ),
    status: object({ clusters: list(object({ cluster: requiredText }, ['cluster'])) }),
  },
  ['spec'],
);

const networkPolicy = coreKind(
  { kind: 'NetworkPolicy', group: 'networking.k8s.io', scope: 'Namespaced', hub: 'v1' },
  {
    spec: object({
      podSelector: { ...labelSelector, default: {} },
      policyTypes: list(oneOf(['Ingress', 'Egress'])),
      ingress: list(anyObject),
      egress: list(anyObject),
    }),
  },
  ['spec'],
);

/** Services, what stands behind them, and who may reach them. */
export const serviceKinds: readonly KindDefinition[] = [service, endpointSlice, serviceImport, networkPolicy];
