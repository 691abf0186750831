import { X509Certificate } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createCsr, generateKeyPair } from '@tulle/identity';
import { systemClock } from '@tulle/core';
import type { KubernetesClient } from '@tulle/kubernetes';
import { FakeApiServer, RecordingLogger, TestCa } from '@tulle/testkit';
import { SecretAuthority } from '../src/kubernetes/secret-authority.ts';
import { shopIdentity } from './agent-stand-in.ts';
import { clientOf, resources, written } from './fake-cluster.ts';

const name = { namespace: 'tulle-system', name: 'tulle-ca' };
const identity = shopIdentity('cart');

let server: FakeApiServer;
let client: KubernetesClient;
let logger: RecordingLogger;
const opened: SecretAuthority[] = [];

beforeEach(async () => {
  server = await FakeApiServer.start([...Object.values(resources), ...Object.values(written)]);
  client = clientOf(server);
  logger = new RecordingLogger();
});
afterEach(async () => {
  for (const authority of opened.splice(0)) await authority.close();
  await client.close();
  await server.close();
});

async function open(rememberedPem?: string): Promise<SecretAuthority> {
  const options = { client, secret: name, authority: { clock: systemClock, trustDomain: 'cluster.local' }, logger };
  const authority = await SecretAuthority.open({
    ...options,
    ...(rememberedPem === undefined ? {} : { rememberedPem }),
  });
  opened.push(authority);
  return authority;
}

/** Which of the roots vouches for what the authority signs now. */
function signingRoot(authority: SecretAuthority): string {
  const signed = authority.sign({ csrPem: createCsr(generateKeyPair(), identity), identity });
  if (!signed.ok) throw signed.error;
  return new X509Certificate(signed.value.chain.at(-1) ?? '').fingerprint256;
}
const roots = (authority: SecretAuthority) => authority.trustBundle.roots.map((root) => root.fingerprint256);

function putSecret(data: Readonly<Record<string, string>>): void {
  const encoded = Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')]);
  server.put(written.secret, { metadata: name, data: Object.fromEntries(encoded) });
}

/** An intermediate of a root, as cert-manager puts it into a Secret. */
function certManager(root: TestCa, intermediate: TestCa): Record<string, string> {
  const { certPem, keyPem } = intermediate.certificate;
  return { 'tls.crt': certPem, 'tls.key': keyPem, 'ca.crt': root.certificate.certPem };
}

/** Resolves with the next change of the authority. */
function changed(authority: SecretAuthority): Promise<void> {
  return new Promise((resolve) => authority.onChange(resolve));
}

describe('a root that the controller makes', () => {
  it('is made once, however many controllers begin at once', async () => {
    const [one, two] = await Promise.all([open(), open()]);
    const later = await open();
    expect(roots(one)).toEqual(roots(later));
    expect(roots(two)).toEqual(roots(later));
    expect(server.object(written.secret, name.name, name.namespace)).toMatchObject({ type: 'kubernetes.io/tls' });
  });

  it('is replaced in steps that every controller sees, and that outlive the process', async () => {
    const one = await open();
    const two = await open();
    two.start();
    const [old = ''] = roots(one);
    for (const [step, phase] of [
      ['prepare', 'prepared'],
      ['switch', 'switched'],
      ['finish', 'idle'],
    ] as const) {
      const seen = changed(two);
      await one.take(step);
      await seen;
      const three = await open();
      for (const authority of [one, two, three]) {
        expect(authority.phase).toBe(phase);
        expect(roots(authority)).toHaveLength(phase === 'idle' ? 1 : 2);
        expect(roots(authority).includes(old)).toBe(phase !== 'idle');
        expect(signingRoot(authority) === old).toBe(phase === 'prepared');
        // What signs is named first: agents renew what is of another.
        expect(signingRoot(authority)).toBe(roots(authority)[0]);
      }
    }
    const secret = server.object(written.secret, name.name, name.namespace);
    expect(Object.keys(secret?.['data'] ?? {}).sort()).toEqual(['tls.crt', 'tls.key']);
  });

  it('is given up before the switch, and not after', async () => {
    const authority = await open();
    const before = roots(authority);
    await authority.take('prepare');
    await authority.take('abort');
    expect(roots(authority)).toEqual(before);
    await authority.take('prepare');
    await authority.take('switch');
    await expect(authority.take('abort')).rejects.toMatchObject({ code: 'rotation-phase' });
    expect(authority.automatic).toBe(false);
  });

  it('takes no step that another controller has taken meanwhile', async () => {
    const one = await open();
    const two = await open();
    await one.take('prepare');
    await expect(two.take('prepare')).rejects.toMatchObject({ code: 'rotation-phase' });
  });
});

describe('an issuer that an operator gives', () => {
  const root = new TestCa({ commonName: 'company root' });
  const issuer = new TestCa({ commonName: 'mesh issuer', parent: root });

  it.each([
    ['cert-manager', certManager(root, issuer)],
    [
      'Istio',
      {
        'ca-cert.pem': issuer.certificate.certPem,
        'ca-key.pem': issuer.certificate.keyPem,
        'cert-chain.pem': issuer.certificate.certPem,
        'root-cert.pem': root.certificate.certPem,
      },
    ],
  ])('signs, in the layout of %s', async (_, data) => {
    putSecret(data);
    const authority = await open();
    expect(authority.issuer.fingerprint256).toBe(issuer.certificate.x509.fingerprint256);
    expect(signingRoot(authority)).toBe(root.certificate.x509.fingerprint256);
    await expect(authority.take('prepare')).rejects.toMatchObject({ code: 'rotation-given' });
  });

  it('that is renewed under the same root signs at once', async () => {
    putSecret(certManager(root, issuer));
    const authority = await open();
    authority.start();
    const renewed = new TestCa({ commonName: 'mesh issuer', parent: root });
    const seen = changed(authority);
    putSecret(certManager(root, renewed));
    await seen;
    expect(authority.phase).toBe('idle');
    expect(authority.issuer.fingerprint256).toBe(renewed.certificate.x509.fingerprint256);
  });

  it('of another root is trusted first, then signs, then is trusted alone, without being asked', async () => {
    putSecret(certManager(root, issuer));
    const authority = await open();
    authority.start();
    const otherRoot = new TestCa({ commonName: 'new company root' });
    const seen = changed(authority);
    putSecret(certManager(otherRoot, new TestCa({ commonName: 'mesh issuer', parent: otherRoot })));
    await seen;
    const [old, other] = [root.certificate.x509.fingerprint256, otherRoot.certificate.x509.fingerprint256];
    expect([authority.automatic, authority.phase, signingRoot(authority), roots(authority)]).toEqual([
      true,
      'prepared',
      old,
      [old, other],
    ]);
    await authority.take('switch');
    expect([authority.phase, signingRoot(authority), roots(authority)]).toEqual(['switched', other, [other, old]]);
    await authority.take('finish');
    expect([authority.phase, roots(authority)]).toEqual(['idle', [other]]);
  });

  it('takes the place of a root of our own without losing the trust in it', async () => {
    const authority = await open();
    const [own = ''] = roots(authority);
    authority.start();
    const seen = changed(authority);
    putSecret(certManager(root, issuer));
    await seen;
    expect([authority.phase, roots(authority).includes(own)]).toEqual(['switched', true]);
  });

  it('that was replaced while no controller ran: its root stays trusted until all certificates are of the other', async () => {
    putSecret(certManager(root, issuer));
    const old = new TestCa({ commonName: 'root of last week' }).certificate;
    const authority = await open(old.certPem);
    expect(authority.phase).toBe('switched');
    expect(roots(authority)).toEqual([root.certificate.x509.fingerprint256, old.x509.fingerprint256]);
  });

  it('that cannot be used is logged, and the one before goes on', async () => {
    putSecret(certManager(root, issuer));
    const authority = await open();
    authority.start();
    const { certPem } = new TestCa({ commonName: 'mesh issuer', parent: root }).certificate;
    putSecret({ ...certManager(root, issuer), 'tls.crt': certPem });
    while (logger.lines.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(logger.lines[0]).toMatchObject({ level: 'error', fields: { secret: 'tulle-system/tulle-ca' } });
    expect(JSON.stringify(logger.lines)).not.toContain('PRIVATE');
    expect(authority.issuer.fingerprint256).toBe(issuer.certificate.x509.fingerprint256);
  });

  it('that lacks a part is named, with how to go on', async () => {
    putSecret({ 'tls.crt': issuer.certificate.certPem });
    await expect(open()).rejects.toMatchObject({
      code: 'ca-store',
      message: expect.stringContaining('tulle-system/tulle-ca lacks tls.key') as unknown,
      hint: expect.stringContaining('delete secret tulle-ca') as unknown,
    });
  });
});
