import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { CertificatesView } from '@tulle/admin-api';
import { playgroundPaths } from '@tulle/playground';
import { TestCa } from '@tulle/testkit';
import { waitFor } from '../src/playground-client.ts';
import { TestCluster } from './support/test-cluster.ts';

const cluster = new TestCluster('external', 'identity');
const directory = mkdtempSync(join(tmpdir(), 'tulle-external-'));
const main = join(import.meta.dirname, '../../ca/src/main.ts');
/** On the bridge between the nodes, where the controller listens, too. */
const address = '10.89.0.1:15013';
const url = 'http://permissive/';
const identity = (account: string) => `spiffe://cluster.local/ns/shop/sa/${account}`;

describe('an authority of its own, that agents are told to ask', () => {
  const root = new TestCa({ commonName: 'company root' });
  const audit: Record<string, unknown>[] = [];
  let authority: ChildProcess | undefined;

  const startAuthority = async (): Promise<void> => {
    const { fabricNetns, tokens } = playgroundPaths(cluster.name);
    const flags = ['--listen', address, '--issuer-dir', directory, '--dns-name', 'ca.example'];
    const files = ['--node-tokens', tokens, '--identities', join(directory, 'identities.json')];
    const command = ['netns', 'exec', fabricNetns, process.execPath, main, ...flags, ...files];
    const child = spawn('ip', command, { stdio: ['ignore', 'ignore', 'pipe'] });
    authority = child;
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (line.startsWith('{')) audit.push(JSON.parse(line) as Record<string, unknown>);
    });
    await waitFor('the authority serves', 15_000, () =>
      Promise.resolve(audit.some(({ msg }) => msg === 'serving') ? true : undefined),
    );
  };

  const allow = (...accounts: readonly string[]) => {
    const n2 = [identity('server')];
    writeFileSync(join(directory, 'identities.json'), JSON.stringify({ n1: accounts.map(identity), n2 }));
  };

  beforeAll(async () => {
    process.env['TULLE_PLAYGROUND_ROOT'] = cluster.root;
    const { certPem, keyPem } = new TestCa({ commonName: 'external issuer', parent: root }).certificate;
    const files = { 'ca.crt': root.certificate.certPem, 'tls.key': keyPem, 'tls.crt': certPem };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
    allow('web');
    const flags = { '--external-ca': address, '--external-ca-name': 'ca.example' };
    const argv = Object.entries({ ...flags, '--external-ca-bundle': join(directory, 'ca.crt') });
    const up = cluster.start(...argv.map(([name, value]) => `--controller-flag=${name}=${value}`));
    // Agents try again until it is there.
    const { tokens } = playgroundPaths(cluster.name);
    await waitFor('the nodes have tokens', 15_000, () => Promise.resolve(existsSync(tokens) ? true : undefined));
    await startAuthority();
    await up;
    await cluster.untilCaptured('shop', ['permissive', 'strict', 'web']);
  });

  afterAll(async () => {
    const runs = authority !== undefined && authority.exitCode === null && authority.signalCode === null;
    const ended = runs ? once(authority ?? process, 'exit') : undefined;
    authority?.kill('SIGTERM');
    await cluster.down();
    await ended;
    rmSync(directory, { recursive: true });
  });

  it('signs what the mesh uses: requests between the nodes go by its certificates', async () => {
    expect(await cluster.answers('shop/web', url)).toEqual({ '200 red': 1 });
    const { certificates } = (await cluster.document('certificates')) as CertificatesView;
    expect(certificates.map(({ issuer, state }) => [issuer, state])).toEqual([
      ['CN=external issuer', 'valid'],
      ['CN=external issuer', 'valid'],
    ]);
    const issued = audit.filter(({ audit: isAudit, decision }) => isAudit === true && decision === 'issued');
    expect(issued.map(({ caller, identity: named }) => `${String(caller)} ${String(named)}`).sort()).toEqual([
      `node/n1 ${identity('web')}`,
      `node/n2 ${identity('server')}`,
    ]);
  });

  it('refuses a node what is not its own, and the pod that wants it says so', async () => {
    cluster.write(
      'late.yaml',
      'apiVersion: v1\nkind: Pod\nmetadata: { name: late, namespace: shop }\n' +
        'spec: { nodeName: n1, serviceAccountName: late, containers: [{ name: main, command: [node, idle.mjs] }] }\n',
    );
    const { value } = await waitFor('the refusal is shown', 20_000, async () => {
      const { certificates } = (await cluster.document('certificates')) as CertificatesView;
      return certificates.find(({ lastError }) => lastError !== undefined);
    });
    expect(value).toMatchObject({ identity: identity('late'), state: 'missing', node: 'n1' });
    expect(value.lastError).toContain(`node n1 may not have a certificate of ${identity('late')}`);
    allow('web', 'late');
    await cluster.untilCaptured('shop', ['permissive', 'strict', 'web', 'late']);
    expect(await cluster.answers('shop/late', url)).toEqual({ '200 red': 1 });
  });

  it('may be away: everything goes on', async () => {
    authority?.kill('SIGKILL');
    expect(await cluster.answers('shop/web', url)).toEqual({ '200 red': 1 });
  });
});
