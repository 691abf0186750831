import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { CertificateAuthorityView, CertificatesView } from '@tulle/admin-api';
import { TestCa } from '@tulle/testkit';
import { waitFor } from '../src/playground-client.ts';
import { TestCluster } from './support/test-cluster.ts';

const cluster = new TestCluster('issuer', 'identity');
const directory = mkdtempSync(join(tmpdir(), 'tulle-issuer-'));
const url = 'http://permissive/';

/** Gives the mesh an intermediate of a root, as cert-manager does: each file whole, the certificate last. */
function give(root: TestCa): void {
  const { certPem, keyPem } = new TestCa({ commonName: 'mesh issuer', parent: root }).certificate;
  const files = { 'ca.crt': root.certificate.certPem, 'tls.key': keyPem, 'tls.crt': certPem };
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(directory, '.new'), text);
    renameSync(join(directory, '.new'), join(directory, name));
  }
}

const fingerprint = (root: TestCa) => root.certificate.x509.fingerprint256.replaceAll(':', '').toLowerCase();
const authority = async () => (await cluster.document('ca', 'status')) as CertificateAuthorityView;
const trusted = async () => (await authority()).roots.map(({ fingerprintSha256 }) => fingerprintSha256);

describe('an issuer that an operator gives', () => {
  const first = new TestCa({ commonName: 'first company root' });
  const second = new TestCa({ commonName: 'second company root' });

  beforeAll(async () => {
    give(first);
    await cluster.start('--issuer-dir', directory);
    await cluster.untilCaptured('shop', ['permissive', 'strict', 'web']);
  });

  afterAll(async () => {
    await cluster.down();
    rmSync(directory, { recursive: true });
  });

  it('signs for the mesh, and is not rotated by command', async () => {
    expect(await trusted()).toEqual([fingerprint(first)]);
    expect(await cluster.answers('shop/web', url)).toEqual({ '200 red': 1 });
    const { certificates } = (await cluster.document('certificates')) as CertificatesView;
    for (const { issuer } of certificates) expect(issuer).toBe('CN=mesh issuer');
    const rotate = await cluster.tulle(['ca', 'rotate', '--playground', cluster.name]);
    expect(rotate.status).toBe(1);
    expect(rotate.stderr).toContain('the issuer is given by an operator');
  });

  it('that is replaced under load, first under the same root and then under another, costs no request', async () => {
    const flows = [
      await cluster.flow('shop/web', { url, concurrency: 4, perSecond: 180 }),
      await cluster.flow('shop/web', { url, concurrency: 2, perSecond: 20, fresh: true }),
    ];
    give(first);
    give(second);
    await waitFor('both roots are trusted', 15_000, async () => ((await trusted()).length === 2 ? true : undefined));
    await waitFor('the other root alone is trusted', 90_000, async () =>
      (await trusted()).join(' ') === fingerprint(second) ? true : undefined,
    );
    const results = await Promise.all(flows.map((flow) => flow.stop()));
    for (const { requests, answers } of results) expect(answers).toEqual({ '200 red': requests });
    const requests = results.reduce((sum, result) => sum + result.requests, 0);
    process.stdout.write(`an issuer under another root: ${requests} requests, none failed\n`);
    expect(requests).toBeGreaterThan(1_000);
  });
});
