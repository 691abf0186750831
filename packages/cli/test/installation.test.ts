import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { defaultKustomization, nameOf, renderKustomization } from '../src/kubernetes/installation.ts';

describe('what is installed', () => {
  it('begins with its namespace, and everything namespaced is in it', async () => {
    const objects = await renderKustomization(defaultKustomization);
    const namespaces = objects.filter(({ kind }) => kind === 'Namespace');
    expect(namespaces.map(nameOf)).toEqual(['Namespace tulle-system']);
    const names = objects.map(nameOf);
    expect(names).toContain('DaemonSet tulle-system/agent');
    expect(names).toContain('ClusterRole tulle-mesh-controller');
    for (const { metadata } of objects) expect(metadata.labels).toMatchObject({ 'app.kubernetes.io/part-of': 'tulle' });
  });

  it('names images with their versions', async () => {
    const text = JSON.stringify(await renderKustomization(defaultKustomization));
    expect(text.match(/"image":"[^"]*"/g)).toEqual(
      expect.arrayContaining(['"image":"tulle/mesh-controller:0.1.0"', '"image":"tulle/agent:0.1.0"']),
    );
  });

  it('gives agents no permission at all', async () => {
    const objects = await renderKustomization(defaultKustomization);
    const bindings = objects.filter(({ kind }) => kind.endsWith('RoleBinding'));
    const subjects = bindings.flatMap(({ subjects }) => subjects as { readonly name: string }[]);
    expect(subjects.map(({ name }) => name)).toEqual(['mesh-controller', 'mesh-controller']);
  });

  it('asks for no verb on everything, and lets nobody read all Secrets', async () => {
    const objects = await renderKustomization(defaultKustomization);
    const roles = objects.filter(({ kind }) => kind.endsWith('Role'));
    const rules = roles.flatMap(({ rules }) => rules as Record<string, readonly string[] | undefined>[]);
    for (const rule of rules) {
      expect(rule['verbs']).not.toContain('*');
      expect(rule['resources']).not.toContain('*');
      const reads = rule['verbs']?.some((verb) => ['get', 'list', 'watch'].includes(verb)) === true;
      if (!reads || rule['resources']?.includes('secrets') !== true) continue;
      const named = rule['resourceNames'] ?? ['every Secret'];
      expect(named.filter((name) => !['tulle-ca', 'tulle-session-key'].includes(name))).toEqual([]);
      expect(named).not.toEqual([]);
    }
  });
});

describe('renderKustomization', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'tulle-kustomize-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('refuses what it does not understand, rather than to pass it over', async () => {
    writeFileSync(join(directory, 'kustomization.yaml'), 'resources: []\npatches: []\n');
    await expect(renderKustomization(directory)).rejects.toMatchObject({
      code: 'BadKustomization',
      message: expect.stringContaining('"patches" is not understood'),
      hint: `kubectl apply --server-side -k ${directory}`,
    });
  });

  it('says which file is not there', async () => {
    await expect(renderKustomization(join(directory, 'none'))).rejects.toMatchObject({
      code: 'BadKustomization',
      message: expect.stringContaining('ENOENT'),
    });
  });
});
