import type { KindDefinition, Schema } from '../schema.ts';
import {
  address,
  anyObject,
  condition,
  coreKind,
  count,
  defaulted,
  dnsLabel,
  dnsSubdomain,
  flag,
  labelSelector,
  list,
  listByKey,
  object,
  oneOf,
  port,
  portOrName,
  requiredText,
  text,
  textMap,
  texts,
  transportProtocol,
} from './schema-parts.ts';

const atLeastOne = (value: number): Schema => ({ type: 'integer', format: 'int32', minimum: 1, default: value });

const probe = object({
  httpGet: object(
    {
      path: defaulted(text, '/'),
      port: portOrName,
      host: text,
      scheme: oneOf(['HTTP', 'HTTPS'], 'HTTP'),
      httpHeaders: list(object({ name: requiredText, value: text }, ['name', 'value'])),
    },
    ['port'],
  ),
  tcpSocket: object({ port: portOrName, host: text }, ['port']),
  exec: object({ command: texts }),
  grpc: object({ port, service: text }, ['port']),
  initialDelaySeconds: defaulted(count, 0),
  periodSeconds: atLeastOne(10),
  timeoutSeconds: atLeastOne(1),
  successThreshold: atLeastOne(1),
  failureThreshold: atLeastOne(3),
});

const keySelector = object({ name: requiredText, key: requiredText, optional: flag }, ['name', 'key']);

const environment = list(
  object(
    {
      name: requiredText,
      value: text,
      valueFrom: object({
        fieldRef: object({ fieldPath: requiredText }, ['fieldPath']),
        configMapKeyRef: keySelector,
        secretKeyRef: keySelector,
      }),
    },
    ['name'],
  ),
);

const container = object(
  {
    name: dnsLabel,
    image: text,
    command: texts,
    args: texts,
    workingDir: text,
    env: environment,
    ports: list(
      object(
        {
          name: { type: 'string', format: 'port-name' },
          containerPort: port,
          hostPort: { type: 'integer', minimum: 0, maximum: 65535 },
          protocol: transportProtocol,
        },
        ['containerPort'],
      ),
    ),
    readinessProbe: probe,
    livenessProbe: probe,
    startupProbe: probe,
    volumeMounts: list(
      object({ name: requiredText, mountPath: requiredText, subPath: text, readOnly: flag }, ['name', 'mountPath']),
    ),
    restartPolicy: oneOf(['Always', 'OnFailure', 'Never']),
  },
  ['name'],
);

const keysToPaths = list(object({ key: requiredText, path: requiredText }, ['key', 'path']));

const podSpec = object(
  {
    nodeName: dnsSubdomain,
    serviceAccountName: defaulted(dnsSubdomain, 'default'),
    hostNetwork: flag,
    hostname: dnsLabel,
    subdomain: dnsLabel,
    restartPolicy: oneOf(['Always', 'OnFailure', 'Never'], 'Always'),
    terminationGracePeriodSeconds: defaulted(count, 30),
    nodeSelector: textMap,
    initContainers: listByKey('name', container),
    containers: { ...listByKey('name', container), minItems: 1 },
    volumes: listByKey(
      'name',
      object(
        {
          name: dnsLabel,
          configMap: object({ name: requiredText, items: keysToPaths, optional: flag }, ['name']),
          secret: object({ secretName: requiredText, items: keysToPaths, optional: flag }, ['secretName']),
          emptyDir: anyObject,
        },
        ['name'],
      ),
    ),
  },
  ['containers'],
);

const pod = coreKind(
  { kind: 'Pod', group: '', scope: 'Namespaced', hub: 'v1' },
  {
    spec: podSpec,
    status: object({
      phase: oneOf(['Pending', 'Running', 'Succeeded', 'Failed', 'Unknown']),
      podIP: address,
      podIPs: list(object({ ip: address }, ['ip'])),
      hostIP: text,
      conditions: list(condition),
    }),
  },
  ['spec'],
);

const templateMetadata = object({
  labels: { type: 'object', additionalProperties: { type: 'string', format: 'label-value' } },
  annotations: textMap,
});

const deployment = coreKind(
  { kind: 'Deployment', group: 'apps', scope: 'Namespaced', hub: 'v1' },
  {
    spec: object(
      {
        replicas: defaulted(count, 1),
        selector: labelSelector,
        template: object({ metadata: defaulted(templateMetadata, {}), spec: podSpec }, ['spec']),
      },
      ['selector', 'template'],
    ),
  },
  ['spec'],
);

const serviceAccount = coreKind(
  { kind: 'ServiceAccount', group: '', scope: 'Namespaced', hub: 'v1' },
  { automountServiceAccountToken: flag },
);

/** The kinds that run, or make what runs. */
export const workloadKinds: readonly KindDefinition[] = [pod, deployment, serviceAccount];
