import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import {
  CertificateClient,
  ControlPlaneCredentials,
  controllerIdentity,
  createCsr,
  generateKeyPair,
} from '@tulle/identity';
import { SpiffeId } from '@tulle/identity';
import { temporaryDirectory, TestCa } from '@tulle/testkit';

const main = fileURLToPath(new URL('main.ts', import.meta.url));
const parsed = SpiffeId.parse('spiffe://example.org/ns/shop/sa/cart');
if (!parsed.ok) throw parsed.error;
const identity = parsed.value;

describe('the server that runs alone', () => {
  it('serves until it is told to stop', async () => {
    using dir = temporaryDirectory();
    mkdirSync(dir.file('tokens'));
    writeFileSync(dir.file('tokens/n1'), 'the-token-of-node-n1');
    writeFileSync(dir.file('identities.json'), JSON.stringify({ n1: [identity.text] }));
    const flags = ['--listen', '127.0.0.1:0', '--trust-domain', 'example.org', '--state-dir', dir.file('ca')];
    const files = ['--node-tokens', dir.file('tokens'), '--identities', dir.file('identities.json')];
    const child = spawn(process.execPath, [main, ...flags, ...files], { stdio: ['ignore', 'ignore', 'pipe'] });
    const exited = once(child, 'exit');
    const lines = createInterface({ input: child.stderr });
    const [line] = (await once(lines, 'line')) as [string];
    const { msg, port } = JSON.parse(line) as { msg: string; port: number };
    expect(msg).toBe('serving');
    const credentials = new ControlPlaneCredentials({
      trustBundleFile: dir.file('ca/bundle.pem'),
      tokenFile: dir.file('tokens/n1'),
      server: { spiffeId: controllerIdentity('example.org') },
    });
    using client = new CertificateClient({ address: `127.0.0.1:${port}`, credentials });
    const csrPem = createCsr(generateKeyPair(), identity);
    expect((await client.sign({ identity, csrPem, validityMs: 60_000 })).chain).toHaveLength(2);
    client.close();
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
  });

  it.each<readonly [string, (dir: string) => string[], string]>([
    ['no flags', () => [], '--node-tokens'],
    [
      'half an issuer',
      (dir) => (writeFileSync(`${dir}/tls.crt`, 'x'), [...needed(dir), '--issuer-dir', dir]),
      'tls.key is missing',
    ],
    ['no issuer', (dir) => [...needed(dir), '--issuer-dir', dir], 'expected tls.crt and tls.key, or ca-cert.pem'],
    ['a lifetime that is none', (dir) => [...needed(dir), '--certificate-lifetime', '5'], '--certificate-lifetime'],
    [
      'an issuer that is a leaf',
      (dir) => {
        const leaf = new TestCa().leaf(identity.text);
        writeFileSync(`${dir}/tls.crt`, leaf.certPem);
        writeFileSync(`${dir}/tls.key`, leaf.keyPem);
        return [...needed(dir), '--issuer-dir', dir];
      },
      'tulle-ca: the issuer that was given cannot be used: the certificate that signed',
    ],
    ['a trust domain that is none', (dir) => [...needed(dir), '--trust-domain', 'A B'], '--trust-domain'],
  ])('does not begin with %s, and says why', async (_name, flags, problem) => {
    using dir = temporaryDirectory();
    const child = spawn(process.execPath, [main, ...flags(dir.path)], { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number];
    expect(code).toBeGreaterThan(0);
    expect(said).toContain(problem);
    expect(said).not.toMatch(/^ +at /m);
  });
});

function needed(dir: string): string[] {
  return ['--listen', '127.0.0.1:0', '--state-dir', `${dir}/ca`, '--node-tokens', dir, '--identities', `${dir}/x.json`];
}
