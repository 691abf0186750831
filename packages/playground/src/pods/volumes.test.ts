import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { temporaryDirectory } from '@tulle/testkit';
import { Fields } from '../cluster/fields.ts';
import type { FieldProblem } from '../cluster/fields.ts';
import { decodePodSpec } from '../cluster/pod-spec.ts';
import type { PodSpec } from '../cluster/pod-spec.ts';
import { podMounts, writeVolumes } from './volumes.ts';

function specOf(volumes: unknown, mounts: readonly unknown[]): PodSpec {
  const problems: FieldProblem[] = [];
  const containers = mounts.map((volumeMounts, index) => ({ name: `c${index}`, command: ['x'], volumeMounts }));
  const spec = decodePodSpec(new Fields({ containers, volumes }, 'spec', problems));
  expect(problems).toEqual([]);
  return spec;
}

const config = [{ name: 'config', configMap: { name: 'files' } }];

describe('writeVolumes', () => {
  it('writes, changes and removes files as the ConfigMap has them', () => {
    using directory = temporaryDirectory();
    mkdirSync(directory.file('volumes'));
    const spec = specOf(config, [[]]);
    const files = directory.file('volumes/config');
    writeVolumes(spec, directory.path, () => ({ a: '1', b: '2' }));
    expect(readFileSync(join(files, 'a'), 'utf8')).toBe('1');
    writeVolumes(spec, directory.path, () => ({ a: 'new' }));
    expect(readdirSync(files)).toEqual(['a']);
    expect(readFileSync(join(files, 'a'), 'utf8')).toBe('new');
    // A ConfigMap that goes leaves a running pod what it has.
    writeVolumes(spec, directory.path, () => undefined);
    expect(existsSync(join(files, 'a'))).toBe(true);
  });

  it('waits for a ConfigMap that is not there, unless it is optional', () => {
    using directory = temporaryDirectory();
    mkdirSync(directory.file('volumes'));
    expect(() => writeVolumes(specOf(config, [[]]), directory.path, () => undefined)).toThrow(
      'waits for ConfigMap files',
    );
    const optional = specOf([{ name: 'config', configMap: { name: 'files', optional: true } }], [[]]);
    expect(() => writeVolumes(optional, directory.path, () => undefined)).not.toThrow();
  });

  it('takes only the keys that are listed, under the names that are', () => {
    using directory = temporaryDirectory();
    mkdirSync(directory.file('volumes'));
    const spec = specOf(
      [{ name: 'config', configMap: { name: 'files', items: [{ key: 'a', path: 'deep/x' }] } }],
      [[]],
    );
    writeVolumes(spec, directory.path, () => ({ a: '1', b: '2' }));
    expect(readdirSync(directory.file('volumes/config'), { recursive: true })).toEqual(['deep', 'deep/x']);
  });
});

describe('podMounts', () => {
  it('refuses a path that two containers want for different volumes', () => {
    const volumes = [
      { name: 'one', emptyDir: {} },
      { name: 'two', emptyDir: {} },
    ];
    const at = (name: string) => [{ name, mountPath: '/data' }];
    expect(() => podMounts(specOf(volumes, [at('one'), at('two')]), '/pod', () => ({}))).toThrow(
      'mount different volumes at /data',
    );
    expect(podMounts(specOf(volumes, [at('one'), at('one')]), '/pod', () => ({}))).toHaveLength(1);
  });

  it('is read-only only where every container says so', () => {
    const volumes = [{ name: 'one', emptyDir: {} }];
    const at = (readOnly: boolean) => [{ name: 'one', mountPath: '/data/', readOnly }];
    const readOnly = (...all: boolean[]) =>
      podMounts(specOf(volumes, all.map(at)), '/pod', () => ({})).map((mount) => mount.readOnly);
    expect(readOnly(true, true)).toEqual([true]);
    expect(readOnly(true, false)).toEqual([false]);
  });

  it('mounts a single file of a ConfigMap as a file', () => {
    const spec = specOf(config, [[{ name: 'config', mountPath: '/etc/app.conf', subPath: 'app.conf' }]]);
    expect(podMounts(spec, '/pod', () => ({ 'app.conf': 'x' }))).toEqual([
      { source: '/pod/volumes/config/app.conf', target: '/etc/app.conf', type: 'file', readOnly: false },
    ]);
  });
});
