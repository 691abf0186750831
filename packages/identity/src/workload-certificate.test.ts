import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:tls';
import { describe, expect, it } from '@jest/globals';
import { TestCa, type TestDefect } from '@tulle/testkit';
import { parseWorkloadCertificate, peerIdentity } from './index.ts';

const id = 'spiffe://cluster.local/ns/shop/sa/cart';
const ca = new TestCa();

/** What each defect of the leaf is refused with. A foreign root is a matter of the chain, which TLS verifies. */
const codes: { readonly [K in Exclude<TestDefect, 'foreign'>]: string } = {
  expired: 'certificate-expired',
  'not-yet-valid': 'certificate-not-yet-valid',
  'two-uris': 'several-uri-names',
  'no-uri': 'no-spiffe-id',
  'no-san': 'no-spiffe-id',
  'not-spiffe': 'invalid-spiffe-id',
  'ca-true': 'ca-certificate',
  'wrong-usage': 'key-usage',
  'wrong-key-usage': 'key-usage',
};

describe('peerIdentity', () => {
  const options = { role: 'server', nowMs: Date.now() } as const;

  it('gives the identity of a correct leaf, from DER and from a parsed certificate', () => {
    const leaf = ca.leaf(id);
    for (const source of [leaf.der, leaf.x509]) {
      for (const role of ['client', 'server'] as const) {
        const peer = peerIdentity(source, { ...options, role });
        expect(peer.ok && peer.value.text).toBe(id);
      }
    }
  });

  it.each(Object.entries(codes))('refuses a leaf that is %s', (defect, code) => {
    const leaf = ca.defective(defect as TestDefect, id, options.nowMs);
    expect(peerIdentity(leaf.der, options)).toMatchObject({ ok: false, error: { code } });
  });

  it('takes DNS names beside the one URI, and a certificate without extended key usage', () => {
    const leaf = ca.leaf(id, { dnsNames: ['cart.shop.svc'], ipAddresses: ['10.0.0.1'], usages: [] });
    expect(peerIdentity(leaf.der, options).ok).toBe(true);
  });

  it('refuses a role that the extended key usage does not name', () => {
    const leaf = ca.leaf(id, { usages: ['client'] });
    expect(peerIdentity(leaf.der, { ...options, role: 'client' }).ok).toBe(true);
    expect(peerIdentity(leaf.der, { ...options, role: 'server' })).toMatchObject({ error: { code: 'key-usage' } });
  });

  it('refuses an identity of another trust domain than the one whose roots were used', () => {
    const leaf = ca.leaf('spiffe://elsewhere/ns/shop/sa/cart');
    expect(peerIdentity(leaf.der, { ...options, trustDomain: 'cluster.local' })).toMatchObject({
      error: { code: 'foreign-trust-domain' },
    });
  });

  it('is not led astray by a name that contains the text of another name', () => {
    const leaf = ca.issue({ uris: [], dnsNames: [`x, URI:${id}`] });
    expect(peerIdentity(leaf.der, options)).toMatchObject({ error: { code: 'no-spiffe-id' } });
    const quoted = ca.issue({ uris: [`${id}, URI:spiffe://other/x`] });
    expect(peerIdentity(quoted.der, options)).toMatchObject({ error: { code: 'invalid-spiffe-id' } });
  });

  it('never takes or throws at a certificate that is cut short or has a changed byte', () => {
    const { der } = ca.leaf(id);
    for (let length = 0; length < der.length; length++) {
      expect(peerIdentity(der.subarray(0, length), options).ok).toBe(false);
    }
    for (let at = 0; at < der.length; at++) {
      const changed = Buffer.from(der);
      changed[at] = (changed[at] as number) ^ 0xff;
      expect(() => peerIdentity(changed, options)).not.toThrow();
    }
  });
});

describe('parseWorkloadCertificate', () => {
  it('gives serial, issuer and validity', () => {
    const authority = new TestCa({ commonName: 'a root' });
    const notBeforeMs = Date.UTC(2029, 11, 31, 23, 59, 59);
    const notAfterMs = Date.UTC(2051, 0, 1);
    const leaf = authority.leaf(id, { notBeforeMs, notAfterMs });
    const parsed = parseWorkloadCertificate(leaf.certPem);
    expect(parsed).toMatchObject({
      ok: true,
      value: { notBeforeMs, notAfterMs, issuer: 'CN=a root', serial: leaf.x509.serialNumber.toLowerCase() },
    });
  });

  it.each(['', 'no PEM', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'])('refuses %j', (pem) => {
    expect(parseWorkloadCertificate(pem)).toMatchObject({ ok: false, error: { code: 'invalid-certificate' } });
  });
});

describe('TLS, on which peerIdentity relies', () => {
  it.each(['foreign', 'expired'] as const)('lets no client in whose certificate is %s', async (defect) => {
    const own = ca.leaf('spiffe://cluster.local/ns/shop/sa/web');
    let accepted = 0;
    const server = createServer({
      key: own.keyPem,
      cert: own.certPem,
      ca: ca.certificate.certPem,
      requestCert: true,
      rejectUnauthorized: true,
    });
    server.on('secureConnection', () => accepted++);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const refused = once(server, 'tlsClientError');
    const leaf = ca.defective(defect, id);
    const client = connect({
      port: (server.address() as AddressInfo).port,
      host: '127.0.0.1',
      key: leaf.keyPem,
      cert: leaf.certPem,
      ca: ca.certificate.certPem,
      checkServerIdentity: () => undefined,
    });
    client.on('error', () => {});
    await refused;
    client.destroy();
    server.close();
    expect(accepted).toBe(0);
  });
});
