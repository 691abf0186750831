import type { Fields } from './fields.ts';
import { decodeEnv } from './env.ts';
import type { EnvSource } from './env.ts';
import { decodeProbe } from './probe-spec.ts';
import type { ProbeSpec } from './probe-spec.ts';
import { findNode, nodes } from '../network/addresses.ts';

/** The part of a pod's spec that the playground acts on, with Kubernetes' defaults filled in. */
export interface PodSpec {
  readonly nodeName: string | undefined;
  readonly serviceAccountName: string;
  readonly restartPolicy: 'Always' | 'OnFailure' | 'Never';
  readonly terminationGracePeriodSeconds: number;
  readonly hostname: string | undefined;
  readonly subdomain: string | undefined;
  readonly initContainers: readonly ContainerSpec[];
  readonly containers: readonly ContainerSpec[];
  readonly volumes: readonly VolumeSpec[];
}

/** A container: a program that is run in the pod's namespaces. Its image is ignored. */
export interface ContainerSpec {
  readonly name: string;
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly workingDir: string | undefined;
  readonly env: readonly EnvSource[];
  readonly ports: readonly ContainerPort[];
  readonly readinessProbe: ProbeSpec | undefined;
  readonly livenessProbe: ProbeSpec | undefined;
  readonly volumeMounts: readonly VolumeMount[];
  readonly runAsUser: number | undefined;
  readonly runAsGroup: number | undefined;
  readonly addCapabilities: readonly string[];
  readonly dropCapabilities: readonly string[];
}

/** A port that a container declares. */
export interface ContainerPort {
  readonly name: string | undefined;
  readonly containerPort: number;
  readonly protocol: 'TCP' | 'UDP';
}

/** Files that containers share, or that come from a ConfigMap. */
export type VolumeSpec =
  | { readonly kind: 'emptyDir'; readonly name: string }
  | {
      readonly kind: 'configMap';
      readonly name: string;
      readonly configMap: string;
      readonly optional: boolean;
      /** Which keys become which files; undefined for every key under its own name. */
      readonly items: readonly { readonly key: string; readonly path: string }[] | undefined;
    };

/** Where a container sees a volume. */
export interface VolumeMount {
  readonly name: string;
  readonly mountPath: string;
  readonly subPath: string | undefined;
  readonly readOnly: boolean;
}

/** Kubernetes' own default. */
const defaultGraceSeconds = 30;

/** Reads a pod's spec. What the playground cannot do is a problem; what has no meaning in it (`image`, `resources`) is ignored. */
export function decodePodSpec(spec: Fields): PodSpec {
  const containers = spec.objects('containers').map((each) => decodeContainer(each));
  if (containers.length === 0) spec.refuse('containers', 'must name at least one container');
  const initContainers = spec.objects('initContainers').map((each) => {
    if (each.string('restartPolicy') === 'Always')
      each.refuse('restartPolicy', 'sidecar containers are not supported in a playground');
    return decodeContainer(each);
  });
  for (const key of ['hostNetwork', 'hostPID', 'hostIPC']) {
    if (spec.boolean(key) === true) spec.refuse(key, 'is not supported in a playground');
  }
  const nodeName = spec.string('nodeName');
  if (nodeName !== undefined && findNode(nodeName) === undefined) {
    spec.refuse(
      'nodeName',
      `there is no node "${nodeName}"; the nodes are ${nodes.map((node) => node.name).join(' and ')}`,
    );
  }
  const volumes = spec.objects('volumes').flatMap((each) => decodeVolume(each) ?? []);
  checkMounts(spec, volumes);
  return {
    nodeName,
    serviceAccountName: spec.string('serviceAccountName') ?? 'default',
    restartPolicy: decodeRestartPolicy(spec),
    terminationGracePeriodSeconds: spec.integer('terminationGracePeriodSeconds', 0, 3600) ?? defaultGraceSeconds,
    hostname: dnsLabel(spec, 'hostname'),
    subdomain: dnsLabel(spec, 'subdomain'),
    initContainers,
    containers,
    volumes,
  };
}

function decodeRestartPolicy(spec: Fields): PodSpec['restartPolicy'] {
  const policy = spec.string('restartPolicy') ?? 'Always';
  if (policy === 'Always' || policy === 'OnFailure' || policy === 'Never') return policy;
  spec.refuse('restartPolicy', `"${policy}" is not one of Always, OnFailure, Never`);
  return 'Always';
}

/** RFC 1123: what a label of a name in DNS may hold. Everything that becomes part of a path or a rule passes here. */
export const dnsLabelPattern = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

function dnsLabel(fields: Fields, key: string): string | undefined {
  const value = fields.string(key);
  if (value === undefined || dnsLabelPattern.test(value)) return value;
  fields.refuse(key, `"${value}" is not a DNS label: lower case letters, digits and hyphens`);
  return undefined;
}

function decodeContainer(fields: Fields): ContainerSpec {
  const name = dnsLabel(fields, 'name');
  if (!fields.has('name')) fields.refuse('name', 'is required');
  const command = fields.strings('command');
  if (command.length === 0) {
    fields.refuse('command', 'is required in a playground: images are not used, so there is no entrypoint to run');
  }
  for (const key of ['lifecycle', 'startupProbe', 'volumeDevices']) {
    if (fields.has(key)) fields.refuse(key, 'is not supported in a playground');
  }
  const security = fields.object('securityContext');
  const capabilities = security.object('capabilities');
  return {
    name: name ?? '',
    command,
    args: fields.strings('args'),
    workingDir: fields.string('workingDir'),
    env: decodeEnv(fields),
    ports: fields.objects('ports').flatMap((each) => decodePort(each) ?? []),
    readinessProbe: decodeProbe(fields, 'readinessProbe'),
    livenessProbe: decodeProbe(fields, 'livenessProbe'),
    volumeMounts: fields.objects('volumeMounts').flatMap((each) => decodeMount(each) ?? []),
    runAsUser: security.integer('runAsUser', 0, 2 ** 31),
    runAsGroup: security.integer('runAsGroup', 0, 2 ** 31),
    addCapabilities: decodeCapabilities(capabilities, 'add'),
    dropCapabilities: decodeCapabilities(capabilities, 'drop'),
  };
}

function decodeCapabilities(fields: Fields, key: 'add' | 'drop'): string[] {
  return fields.strings(key).flatMap((each) => {
    if (/^[A-Z_]{1,32}$/.test(each)) return [each.replace(/^CAP_/, '').toLowerCase()];
    fields.refuse(key, `"${each}" is not the name of a capability`);
    return [];
  });
}

function decodePort(fields: Fields): ContainerPort | undefined {
  if (!fields.has('containerPort')) fields.refuse('containerPort', 'is required');
  const containerPort = fields.integer('containerPort', 1, 65_535);
  const protocol = fields.string('protocol') ?? 'TCP';
  if (protocol !== 'TCP' && protocol !== 'UDP') {
    fields.refuse('protocol', `"${protocol}" is not supported in a playground; TCP and UDP are`);
    return undefined;
  }
  return containerPort === undefined ? undefined : { name: fields.string('name'), containerPort, protocol };
}

function decodeVolume(fields: Fields): VolumeSpec | undefined {
  const name = dnsLabel(fields, 'name') ?? '';
  if (fields.has('emptyDir')) return { kind: 'emptyDir', name };
  if (fields.has('configMap')) {
    const source = fields.object('configMap');
    const configMap = source.string('name');
    if (configMap === undefined) {
      source.refuse('name', 'is required');
      return undefined;
    }
    const items = source
      .objects('items')
      .map((item) => ({ key: item.string('key') ?? '', path: filePath(item, 'path') ?? '' }));
    return {
      kind: 'configMap',
      name,
      configMap,
      optional: source.boolean('optional') ?? false,
      items: source.has('items') ? items : undefined,
    };
  }
  const kind = fields.keys().find((key) => key !== 'name');
  fields.refuse(kind ?? 'emptyDir', 'is not supported in a playground; volumes can be emptyDir or configMap');
  return undefined;
}

function decodeMount(fields: Fields): VolumeMount | undefined {
  const name = fields.string('name');
  const mountPath = fields.string('mountPath');
  if (name === undefined) fields.refuse('name', 'is required');
  if (mountPath === undefined) fields.refuse('mountPath', 'is required');
  else if (!/^\/[^\0]*[^\0/]/.test(mountPath) || mountPath.split('/').includes('..')) {
    fields.refuse('mountPath', `"${mountPath}" must be an absolute path, not "/", without ".."`);
    return undefined;
  }
  if (name === undefined || mountPath === undefined) return undefined;
  return { name, mountPath, subPath: filePath(fields, 'subPath'), readOnly: fields.boolean('readOnly') ?? false };
}

function filePath(fields: Fields, key: string): string | undefined {
  const value = fields.string(key);
  if (value === undefined) return undefined;
  if (value !== '' && !value.startsWith('/') && !value.includes('\0') && !value.split('/').includes('..')) return value;
  fields.refuse(key, `"${value}" must be a relative path without ".."`);
  return undefined;
}

function checkMounts(spec: Fields, volumes: readonly VolumeSpec[]): void {
  const known = new Set(volumes.map((volume) => volume.name));
  const declared = spec.objects('volumes').map((volume) => volume.raw('name'));
  for (const list of ['containers', 'initContainers']) {
    for (const container of spec.objects(list)) {
      for (const mount of container.objects('volumeMounts')) {
        const name = mount.raw('name');
        // A volume that is declared but of a kind that is not supported has been refused already.
        if (typeof name === 'string' && !known.has(name) && !declared.includes(name)) {
          mount.refuse('name', `there is no volume "${name}"`);
        }
      }
    }
  }
}
