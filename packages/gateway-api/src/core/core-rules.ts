import { fieldPath, itemPath, type ObjectIssue } from '../object-error.ts';
import { isIpAddress } from '../names.ts';
import type { Deployment, Pod, PodSpec, Probe } from './pod.ts';
import type { EndpointSlice, Service } from './service.ts';
import type { CoreObject } from '../object.ts';

/** Checks what the schema of a core kind cannot say. The object has passed its schema. */
export function checkCoreObject(object: CoreObject): readonly ObjectIssue[] {
  switch (object.kind) {
    case 'Service':
      return checkService(object);
    case 'EndpointSlice':
      return checkEndpointSlice(object);
    case 'Pod':
      return checkPod(object);
    case 'Deployment':
      return checkDeployment(object);
    case 'ClusterTrustBundle':
    case 'ConfigMap':
    case 'Namespace':
    case 'NetworkPolicy':
    case 'Node':
    case 'Secret':
    case 'ServiceAccount':
    case 'ServiceImport':
      return [];
  }
}

function broken(path: string, message: string): ObjectIssue {
  return { code: 'rule', path, message };
}

function checkService({ spec }: Service): readonly ObjectIssue[] {
  const issues: ObjectIssue[] = [];
  const ports = spec.ports ?? [];
  if (spec.type === 'ExternalName') {
    if (spec.externalName === undefined || spec.externalName === '')
      issues.push(broken('spec.externalName', 'is required for type ExternalName'));
    if (spec.clusterIP !== undefined && spec.clusterIP !== '')
      issues.push(broken('spec.clusterIP', 'must not be set for type ExternalName'));
  } else if (ports.length === 0 && spec.clusterIP !== 'None')
    issues.push(broken('spec.ports', 'at least one port is required, unless clusterIP is None'));
  const names = new Map<string, number>();
  const numbers = new Map<string, number>();
  for (const [index, { name = '', port, protocol }] of ports.entries()) {
    const path = itemPath('spec.ports', index);
    if (name === '' && ports.length > 1)
      issues.push(broken(fieldPath(path, 'name'), 'is required when there are several ports'));
    issues.push(...noteUnique(names, name, fieldPath(path, 'name'), index, 'name'));
    issues.push(...noteUnique(numbers, `${protocol} ${port}`, path, index, 'port and protocol'));
  }
  return issues;
}

function noteUnique(
  seen: Map<string, number>,
  key: string,
  path: string,
  index: number,
  what: string,
): readonly ObjectIssue[] {
  const first = seen.get(key);
  if (first !== undefined && key !== '')
    return [{ code: 'duplicate', path, message: `has the same ${what} as ${itemPath('spec.ports', first)}` }];
  seen.set(key, index);
  return [];
}

function checkEndpointSlice({ addressType, endpoints }: EndpointSlice): readonly ObjectIssue[] {
  if (addressType === 'FQDN') return [];
  const isRight = (address: string) => isIpAddress(address) && address.includes(':') === (addressType === 'IPv6');
  return endpoints.flatMap(({ addresses }, index) =>
    addresses.flatMap((address, at) =>
      isRight(address)
        ? []
        : broken(
            itemPath(`${itemPath('endpoints', index)}.addresses`, at),
            `${JSON.stringify(address.slice(0, 80))} is not an ${addressType} address`,
          ),
    ),
  );
}

function checkPod({ spec }: Pod): readonly ObjectIssue[] {
  return checkPodSpec(spec, 'spec');
}

function checkPodSpec(spec: PodSpec, path: string): readonly ObjectIssue[] {
  const volumes = new Set((spec.volumes ?? []).map(({ name }) => name));
  return (['initContainers', 'containers'] as const).flatMap((list) =>
    (spec[list] ?? []).flatMap((container, index) => {
      const at = itemPath(`${path}.${list}`, index);
      const mounts = (container.volumeMounts ?? []).flatMap(({ name }, mount) =>
        volumes.has(name)
          ? []
          : broken(`${itemPath(`${at}.volumeMounts`, mount)}.name`, `no volume is named "${name}"`),
      );
      const probes = (['readinessProbe', 'livenessProbe', 'startupProbe'] as const).flatMap((name) =>
        checkProbe(container[name], `${at}.${name}`),
      );
      return [...mounts, ...probes];
    }),
  );
}

function checkProbe(probe: Probe | undefined, path: string): readonly ObjectIssue[] {
  if (probe === undefined) return [];
  const ways = (['httpGet', 'tcpSocket', 'exec', 'grpc'] as const).filter((way) => probe[way] !== undefined);
  return ways.length === 1 ? [] : [broken(path, 'exactly one of httpGet, tcpSocket, exec and grpc must be set')];
}

function checkDeployment({ spec }: Deployment): readonly ObjectIssue[] {
  const labels = spec.template.metadata.labels ?? {};
  const wanted = Object.entries(spec.selector.matchLabels ?? {});
  const issues = [...checkPodSpec(spec.template.spec, 'spec.template.spec')];
  if (wanted.length === 0 && (spec.selector.matchExpressions ?? []).length === 0)
    issues.push(broken('spec.selector', 'must not be empty'));
  for (const [key, value] of wanted)
    if (labels[key] !== value)
      issues.push(
        broken(
          fieldPath('spec.template.metadata.labels', key),
          `must be "${value}", as spec.selector.matchLabels says`,
        ),
      );
  return issues;
}
