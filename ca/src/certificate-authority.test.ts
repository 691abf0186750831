import { execFileSync } from 'node:child_process';
import { createPublicKey, X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { FakeClock, temporaryDirectory, TestCa } from '@tulle/testkit';
import {
  controllerIdentity,
  createCsr,
  generateKeyPair,
  IssuedCertificate,
  pemBlocks,
  SpiffeId,
} from '@tulle/identity';
import { CertificateAuthority, FileRootStore, type AuthorityOptions } from './index.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const text = 'spiffe://cluster.local/ns/shop/sa/cart';
const parsed = SpiffeId.parse(text);
if (!parsed.ok) throw parsed.error;
const identity = parsed.value;

/** openssl checks validity by the machine's own time. */
function options(): AuthorityOptions & { readonly clock: FakeClock } {
  return { clock: new FakeClock(Math.floor(Date.now() / 1000) * 1000), trustDomain: 'cluster.local' };
}

function signed(authority: CertificateAuthority, validityMs?: number, csrPem = createCsr(generateKeyPair(), identity)) {
  const result = authority.sign({ csrPem, identity, ...(validityMs === undefined ? {} : { validityMs }) });
  if (!result.ok) throw result.error;
  return result.value;
}

/** Whether openssl takes the leaf, with the chain's other certificates, for the purpose. */
function opensslVerify(chain: readonly string[], purpose: 'sslclient' | 'sslserver'): string {
  using dir = temporaryDirectory();
  writeFileSync(dir.file('leaf.pem'), chain[0] as string);
  writeFileSync(dir.file('middle.pem'), chain.slice(1, -1).join(''));
  writeFileSync(dir.file('root.pem'), chain.at(-1) as string);
  const middle = chain.length > 2 ? ['-untrusted', dir.file('middle.pem')] : [];
  const args = ['verify', '-x509_strict', '-purpose', purpose, '-CAfile', dir.file('root.pem'), ...middle];
  return execFileSync('openssl', [...args, dir.file('leaf.pem')], { encoding: 'utf8', timeout: 15_000 }).trim();
}

function opensslText(pem: string): string {
  const args = ['x509', '-noout', '-text', '-certopt', 'no_pubkey,no_sigdump'];
  return execFileSync('openssl', args, { input: pem, encoding: 'utf8', timeout: 15_000 });
}

describe('CertificateAuthority', () => {
  it('signs certificates that openssl takes for client and server, by a root, by an intermediate, by RSA', () => {
    using dir = temporaryDirectory();
    const own = new FileRootStore(dir.file('ca')).open(options());
    const root = new TestCa();
    const middle = new TestCa({ parent: root });
    const byIntermediate = CertificateAuthority.load(
      { certificatePem: middle.certificate.certPem + root.certificate.certPem, keyPem: middle.certificate.keyPem },
      options(),
    );
    for (const authority of [own, byIntermediate, opensslAuthority('rsa:2048'), opensslAuthority('ec:secp384r1')]) {
      const { chain } = signed(authority);
      expect(opensslVerify(chain, 'sslclient')).toMatch(/: OK$/);
      expect(opensslVerify(chain, 'sslserver')).toMatch(/: OK$/);
    }
    expect(signed(byIntermediate).chain).toHaveLength(3);
  });

  it('writes exactly the extensions of a workload certificate, and nothing of the request but its key', () => {
    using dir = temporaryDirectory();
    const authority = new FileRootStore(dir.file('ca')).open(options());
    const csrPem = opensslCsr();
    const { chain, serial } = signed(authority, undefined, csrPem);
    const shown = opensslText(chain[0] as string);
    expect(shown).toMatch(/Subject: *\n/);
    expect(shown).not.toContain('attacker');
    expect(shown.replace(/^[^]*X509v3 extensions:\n/, '').replaceAll(/^ +| +$/gm, '')).toBe(
      [
        'X509v3 Key Usage: critical',
        'Digital Signature',
        'X509v3 Extended Key Usage:',
        'TLS Web Server Authentication, TLS Web Client Authentication',
        'X509v3 Basic Constraints: critical',
        'CA:FALSE',
        'X509v3 Authority Key Identifier:',
        keyId(authority),
        'X509v3 Subject Alternative Name: critical',
        `URI:${text}`,
        '',
      ].join('\n'),
    );
    const leaf = new X509Certificate(chain[0] as string);
    expect(leaf.serialNumber.toLowerCase()).toBe(serial);
    const key = execFileSync('openssl', ['req', '-noout', '-pubkey'], { input: csrPem, encoding: 'utf8' });
    expect(leaf.publicKey.equals(createPublicKey(key))).toBe(true);
  });

  it('keeps validity within its bounds, beginning a minute ago', () => {
    using dir = temporaryDirectory();
    const settings = options();
    const authority = new FileRootStore(dir.file('ca')).open(settings);
    const nowMs = settings.clock.nowMs();
    const lives: [number | undefined, number][] = [
      [undefined, 24 * hourMs],
      [0, 24 * hourMs],
      [-5, 24 * hourMs],
      [Number.NaN, 24 * hourMs],
      [hourMs, hourMs],
      [1, minuteMs],
      [1000 * hourMs, 24 * hourMs],
    ];
    for (const [asked, given] of lives) {
      const { chain, notBeforeMs, notAfterMs } = signed(authority, asked);
      expect([notBeforeMs - nowMs, notAfterMs - nowMs]).toEqual([-minuteMs, given]);
      const leaf = new X509Certificate(chain[0] as string);
      expect([leaf.validFromDate.getTime(), leaf.validToDate.getTime()]).toEqual([notBeforeMs, notAfterMs]);
    }
  });

  it('never signs beyond its own end, and nothing after it', () => {
    const settings = options();
    const root = new TestCa({ notAfterMs: settings.clock.nowMs() + hourMs });
    const { certPem: certificatePem, keyPem } = root.certificate;
    const authority = CertificateAuthority.load({ certificatePem, keyPem }, settings);
    expect(signed(authority).notAfterMs).toBe(settings.clock.nowMs() + hourMs);
    settings.clock.advance(hourMs);
    const csrPem = createCsr(generateKeyPair(), identity);
    expect(authority.sign({ csrPem, identity })).toMatchObject({ ok: false, error: { code: 'ca-expired' } });
  });

  it('writes dates from 2050 on in the other form', () => {
    const clock = new FakeClock(Date.UTC(2049, 11, 31, 12));
    const root = new TestCa({ notAfterMs: Date.UTC(2060, 0, 1) });
    const { certPem: certificatePem, keyPem } = root.certificate;
    const authority = CertificateAuthority.load({ certificatePem, keyPem }, { clock, trustDomain: 'cluster.local' });
    const leaf = new X509Certificate(signed(authority).chain[0] as string);
    expect(leaf.validFromDate.toISOString()).toBe('2049-12-31T11:59:00.000Z');
    expect(leaf.validToDate.toISOString()).toBe('2050-01-01T12:00:00.000Z');
  });

  it('gives every certificate another serial, positive and of 128 bits', () => {
    using dir = temporaryDirectory();
    const authority = new FileRootStore(dir.file('ca')).open(options());
    const serials = Array.from({ length: 200 }, () => signed(authority).serial);
    expect(new Set(serials).size).toBe(200);
    for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9a-f]{31}$/);
  });

  it('refuses a request that is no proof of possession, and identities of other trust domains', () => {
    using dir = temporaryDirectory();
    const authority = new FileRootStore(dir.file('ca')).open(options());
    const keys = { publicKey: generateKeyPair().publicKey, privateKey: generateKeyPair().privateKey };
    expect(authority.sign({ csrPem: createCsr(keys, identity), identity })).toMatchObject({
      error: { code: 'csr-signature' },
    });
    const csrPem = createCsr(generateKeyPair(), identity);
    expect(authority.sign({ csrPem, identity: controllerIdentity('elsewhere') })).toMatchObject({
      error: { code: 'foreign-trust-domain' },
    });
  });

  it('gives a chain that the manager of certificates takes', () => {
    using dir = temporaryDirectory();
    const settings = options();
    const authority = new FileRootStore(dir.file('ca')).open(settings);
    const keys = generateKeyPair();
    const { chain } = signed(authority, undefined, createCsr(keys, identity));
    const der = pemBlocks(chain.join(''), 'CERTIFICATE');
    if (!der.ok) throw der.error;
    const issued = IssuedCertificate.fromAnswer(identity, keys, { chain: der.value }, settings.clock.nowMs());
    expect(issued.rootsPem).toBe(authority.trustBundle.pem);
  });

  it('issues serving certificates with DNS names and addresses', () => {
    using dir = temporaryDirectory();
    const authority = new FileRootStore(dir.file('ca')).open(options());
    const serving = authority.issueServingCertificate({
      identity: controllerIdentity('cluster.local'),
      dnsNames: ['mesh-controller.tulle-system.svc', 'localhost'],
      ipAddresses: ['127.0.0.1', '::1', 'fd00:1::ffff:10.0.0.1'],
    });
    expect(new X509Certificate(serving.certPem).subjectAltName).toBe(
      'URI:spiffe://cluster.local/ns/tulle-system/sa/mesh-controller, DNS:mesh-controller.tulle-system.svc, ' +
        'DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, IP Address:FD00:1:0:0:0:FFFF:A00:1',
    );
    expect(opensslVerify([serving.certPem, authority.trustBundle.pem], 'sslserver')).toMatch(/: OK$/);
    expect(() => authority.issueServingCertificate({ identity, dnsNames: [], ipAddresses: ['fe80::1%eth0'] })).toThrow(
      'is no IP address',
    );
    expect(() => authority.issueServingCertificate({ identity, dnsNames: ['a b'] })).toThrow('is no DNS name');
  });

  it.each([
    ['no certificate', '', 'is missing'],
    ['a leaf', new TestCa().leaf(text).certPem, 'is not that of an authority'],
    [
      'an intermediate without its root',
      new TestCa({ parent: new TestCa() }).certificate.certPem,
      'not a self-signed root',
    ],
    ['certificates in the wrong order', wrongOrder(), 'is not signed by the next'],
    ['an expired root', new TestCa({ notAfterMs: Date.now() - hourMs }).certificate.certPem, 'has expired'],
    ["another authority's certificate", new TestCa().certificate.certPem, 'do not belong together'],
  ])('does not begin with %s', (_name, certificatePem, problem) => {
    const { keyPem } = new TestCa().certificate;
    expect(() => CertificateAuthority.load({ certificatePem, keyPem }, options())).toThrow(problem);
  });

  it('does not begin with a key of another kind, and does not quote a key that it cannot read', () => {
    const { certPem: certificatePem } = new TestCa().certificate;
    expect(() => CertificateAuthority.load({ certificatePem, keyPem: 'SECRET' }, options())).toThrow(
      /^the authority's key cannot be read: expected an unencrypted PEM key$/,
    );
    expect(() => opensslAuthority('ed25519')).toThrow("the authority's key is of type ed25519");
  });
});

function wrongOrder(): string {
  const root = new TestCa();
  return root.certificate.certPem + new TestCa({ parent: root }).certificate.certPem;
}

function keyId(authority: CertificateAuthority): string {
  const shown = opensslText(authority.issuer.toString());
  return /Subject Key Identifier: *\n *([0-9A-F:]+)/.exec(shown)?.[1] ?? 'none';
}

/** A request that asks for much more than it may have. */
function opensslCsr(): string {
  using dir = temporaryDirectory();
  const names = ['-subj', '/CN=attacker', '-addext', 'subjectAltName=DNS:attacker.example,URI:spiffe://attacker/x'];
  const more = ['-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=keyCertSign'];
  const key = ['-newkey', 'rsa:2048', '-nodes', '-keyout', dir.file('key.pem')];
  const args = ['req', '-new', ...key, ...names, ...more];
  return execFileSync('openssl', args, { encoding: 'utf8', stdio: 'pipe', timeout: 15_000 });
}

/** An authority with a self-signed root made by openssl. */
function opensslAuthority(kind: 'rsa:2048' | 'ec:secp384r1' | 'ed25519'): CertificateAuthority {
  using dir = temporaryDirectory();
  const key = kind === 'ec:secp384r1' ? ['ec', '-pkeyopt', 'ec_paramgen_curve:secp384r1'] : [kind];
  const files = ['-keyout', dir.file('key.pem'), '-out', dir.file('root.pem')];
  const extensions = ['-addext', 'keyUsage=critical,keyCertSign', '-subj', '/O=An organization/CN=root'];
  const args = ['req', '-x509', '-newkey', ...key, '-nodes', '-days', '2', ...files, ...extensions];
  execFileSync('openssl', args, { stdio: 'pipe', timeout: 15_000 });
  const [certificatePem, keyPem] = ['root.pem', 'key.pem'].map((name) =>
    execFileSync('cat', [dir.file(name)], { encoding: 'utf8' }),
  ) as [string, string];
  return CertificateAuthority.load({ certificatePem, keyPem }, options());
}
