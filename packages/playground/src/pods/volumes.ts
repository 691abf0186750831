import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CodedError } from '@tulle/core';
import type { ConfigMapLookup } from '../cluster/env.ts';
import type { PodSpec, VolumeMount, VolumeSpec } from '../cluster/pod-spec.ts';
import { pathType, volumeDir } from './sandbox-plan.ts';
import type { PodMount } from './sandbox-plan.ts';

/** Which files a ConfigMap volume holds, by their path below it; undefined when the ConfigMap is not there. */
export function configMapFiles(
  volume: Extract<VolumeSpec, { kind: 'configMap' }>,
  configMap: ConfigMapLookup,
): Map<string, string> | undefined {
  const data = configMap(volume.configMap);
  if (data === undefined) return volume.optional ? new Map() : undefined;
  if (volume.items === undefined) return new Map(Object.entries(data));
  const files = new Map<string, string>();
  for (const { key, path } of volume.items) {
    const content = data[key];
    if (content !== undefined) files.set(path, content);
  }
  return files;
}

/**
 * Makes the pod's volumes, or gives those that exist the ConfigMaps' present content. Throws a {@link CodedError}
 * `ConfigMapMissing` when a ConfigMap that is not optional is not there.
 */
export function writeVolumes(spec: PodSpec, podDir: string, configMap: ConfigMapLookup): void {
  for (const volume of spec.volumes) {
    const directory = volumeDir(podDir, volume.name);
    mkdirSync(directory, { recursive: true });
    if (volume.kind === 'emptyDir') {
      // Whatever user a container runs as.
      chmodSync(directory, 0o777);
      continue;
    }
    const files = configMapFiles(volume, configMap);
    // What a running pod has stays when its ConfigMap goes, as in Kubernetes.
    if (files === undefined && readKnown(podDir, volume.name) !== undefined) continue;
    if (files === undefined) throw new CodedError('ConfigMapMissing', `waits for ConfigMap ${volume.configMap}`);
    const known = readKnown(podDir, volume.name) ?? {};
    for (const path of Object.keys(known)) if (!files.has(path)) rmSync(join(directory, path), { force: true });
    for (const [path, content] of files) {
      if (known[path] === content) continue;
      mkdirSync(dirname(join(directory, path)), { recursive: true });
      writeFileSync(join(directory, path), content);
    }
    writeFileSync(knownFile(podDir, volume.name), JSON.stringify(Object.fromEntries(files)));
  }
}

/** What was written last is kept beside the volume, so that a key that goes takes its file with it. */
function knownFile(podDir: string, volume: string): string {
  return join(podDir, 'volumes', `.${volume}.json`);
}

function readKnown(podDir: string, volume: string): { readonly [path: string]: string } | undefined {
  try {
    return JSON.parse(readFileSync(knownFile(podDir, volume), 'utf8')) as { readonly [path: string]: string };
  } catch {
    return undefined;
  }
}

/**
 * What a pod's containers see where. All containers of a pod share one view of the file system here, so a path that
 * two of them want for different things is refused (`MountConflict`).
 */
export function podMounts(spec: PodSpec, podDir: string, configMap: ConfigMapLookup): PodMount[] {
  const byTarget = new Map<string, PodMount>();
  for (const container of [...spec.initContainers, ...spec.containers]) {
    for (const mount of container.volumeMounts) {
      const volume = spec.volumes.find((each) => each.name === mount.name);
      if (volume === undefined) continue;
      const found = mountOf(volume, mount, podDir, configMap);
      const other = byTarget.get(found.target);
      if (other !== undefined && other.source !== found.source) {
        throw new CodedError('MountConflict', `two containers mount different volumes at ${found.target}`);
      }
      byTarget.set(found.target, { ...found, readOnly: found.readOnly && (other?.readOnly ?? true) });
    }
  }
  return [...byTarget.values()];
}

function mountOf(volume: VolumeSpec, mount: VolumeMount, podDir: string, configMap: ConfigMapLookup): PodMount {
  const directory = volumeDir(podDir, volume.name);
  const source = mount.subPath === undefined ? directory : join(directory, mount.subPath);
  const target = mount.mountPath.replace(/\/+/g, '/').replace(/\/$/, '');
  if (mount.subPath === undefined) return { source, target, type: 'directory', readOnly: mount.readOnly };
  const isFile = volume.kind === 'configMap' && configMapFiles(volume, configMap)?.has(mount.subPath) === true;
  if (!isFile && pathType(source) === 'none') mkdirSync(source, { recursive: true });
  return { source, target, type: isFile ? 'file' : 'directory', readOnly: mount.readOnly };
}
