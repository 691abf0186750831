import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { temporaryDirectory } from '@tulle/testkit';
import { createCsr, generateKeyPair, parseCsr, pemBlocks, readDer, SpiffeId, toPem } from './index.ts';

const text = 'spiffe://cluster.local/ns/shop/sa/cart';
const parsed = SpiffeId.parse(text);
if (!parsed.ok) throw parsed.error;
const id = parsed.value;

/** A request made by openssl with a new key. */
function opensslCsr(...newKey: string[]): string {
  using dir = temporaryDirectory();
  const out = dir.file('csr.pem');
  const subject = ['-subj', '/CN=anything', '-addext', 'subjectAltName=URI:spiffe://td/x'];
  const args = ['req', '-new', ...newKey, '-nodes', '-keyout', dir.file('key.pem'), '-out', out, ...subject];
  execFileSync('openssl', args, { stdio: 'pipe', timeout: 15_000 });
  return readFileSync(out, 'utf8');
}

describe('createCsr', () => {
  it('makes a request that openssl takes, with the identity as its only name', () => {
    using dir = temporaryDirectory();
    const pem = createCsr(generateKeyPair(), id);
    const shown = execFileSync('openssl', ['req', '-verify', '-noout', '-text'], {
      input: pem,
      encoding: 'utf8',
      cwd: dir.path,
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: 15_000,
    });
    expect(shown).toContain(`X509v3 Subject Alternative Name: critical\n`);
    expect(shown).toMatch(new RegExp(`^ *URI:${text}$`, 'm'));
    expect(shown).toContain('NIST CURVE: P-256');
    expect(shown).toMatch(/Subject: *\n/);
  });

  it('is read back as the same key', () => {
    const keys = generateKeyPair();
    const key = parseCsr(createCsr(keys, id));
    expect(key.ok && key.value.equals(keys.publicKey)).toBe(true);
  });
});

describe('parseCsr', () => {
  it.each([
    ['P-256', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']],
    ['P-384', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384', '-sha384']],
    ['RSA-2048', ['-newkey', 'rsa:2048']],
  ])('takes a request of openssl with a %s key', (_name, args) => {
    expect(parseCsr(opensslCsr(...args))).toMatchObject({ ok: true });
  });

  it.each([
    ['RSA-1024', ['-newkey', 'rsa:1024'], 'the RSA key has 1024 bits'],
    ['P-521', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-521'], 'on curve secp521r1'],
    ['secp256k1', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:secp256k1'], 'on curve secp256k1'],
    ['Ed25519', ['-newkey', 'ed25519'], 'signed with algorithm 1.3.101.112'],
    ['SHA-1', ['-newkey', 'rsa:2048', '-sha1'], 'signed with algorithm 1.2.840.113549.1.1.5'],
  ])('refuses a request with %s', (_name, args, problem) => {
    const result = parseCsr(opensslCsr(...args));
    expect(result).toMatchObject({ ok: false, error: { code: 'unsupported-key' } });
    expect(!result.ok && result.error.message).toContain(problem);
  });

  it('refuses a request that another key signed', () => {
    const own = generateKeyPair();
    const forged = createCsr({ publicKey: own.publicKey, privateKey: generateKeyPair().privateKey }, id);
    expect(parseCsr(forged)).toMatchObject({ ok: false, error: { code: 'csr-signature' } });
  });

  it('refuses a request that was cut short, or of which any byte of what is signed was changed', () => {
    const [der] = blocks(createCsr(generateKeyPair(), id));
    const signed = readDer(der, readDer(der, 0, der.length)?.start ?? 0, der.length);
    if (signed === undefined) throw new Error('cannot be');
    for (let at = signed.at; at < signed.end; at++) {
      const changed = Buffer.from(der);
      changed[at] = (changed[at] as number) ^ 0x01;
      expect(parseCsr(toPem(changed, 'CERTIFICATE REQUEST'))).toMatchObject({ ok: false });
    }
    for (let length = 1; length < der.length; length++) {
      expect(parseCsr(toPem(der.subarray(0, length), 'CERTIFICATE REQUEST')).ok).toBe(false);
    }
  });

  it.each([
    ['nothing', ''],
    ['two requests', createCsr(generateKeyPair(), id) + createCsr(generateKeyPair(), id)],
    ['a request that is too long', createCsr(generateKeyPair(), id) + ' '.repeat(20_000)],
    ['a certificate', '-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n'],
    ['no base64', '-----BEGIN CERTIFICATE REQUEST-----\n!!!!\n-----END CERTIFICATE REQUEST-----\n'],
    ['no end', '-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n'],
    ['a key in place of a request', keyAsCsr()],
  ])('refuses %s', (_name, pem) => {
    expect(parseCsr(pem)).toMatchObject({ ok: false, error: { code: 'invalid-csr' } });
  });
});

function keyAsCsr(): string {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return toPem(publicKey.export({ type: 'spki', format: 'der' }), 'CERTIFICATE REQUEST');
}

function blocks(pem: string): [Buffer] {
  const result = pemBlocks(pem, 'CERTIFICATE REQUEST');
  if (!result.ok) throw result.error;
  return [result.value[0] as Buffer];
}
