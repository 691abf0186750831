import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { FakeClock, RecordingLogger, temporaryDirectory, TestCa } from '@tulle/testkit';
import { CertificateAuthority, IssuerDirectory, readIssuer, type IssuerPem } from './index.ts';

const root = new TestCa({ commonName: 'company root' });
const middle = new TestCa({ commonName: 'company intermediate', parent: root });
const issuer = new TestCa({ commonName: 'mesh issuer', parent: middle });
const [rootPem, middlePem, issuerPem] = [root, middle, issuer].map(({ certificate }) => certificate.certPem);
const key = issuer.certificate.keyPem;
const clock = new FakeClock(Date.now());

describe('readIssuer', () => {
  it.each<readonly [string, Readonly<Record<string, string | undefined>>]>([
    ['cert-manager', { 'tls.crt': `${issuerPem}${middlePem}`, 'tls.key': key, 'ca.crt': rootPem }],
    ['cert-manager, the root in the chain', { 'tls.crt': `${issuerPem}${middlePem}${rootPem}`, 'tls.key': key }],
    ['Istio', { 'ca-cert.pem': issuerPem, 'ca-key.pem': key, 'cert-chain.pem': middlePem, 'root-cert.pem': rootPem }],
    [
      'Istio, the whole chain in any order',
      { 'ca-cert.pem': issuerPem, 'ca-key.pem': key, 'cert-chain.pem': `${rootPem}${middlePem}${issuerPem}` },
    ],
  ])('takes the layout of %s, and puts the chain in order', (_, files) => {
    const read = readIssuer((name) => files[name]);
    if (!read.ok) throw read.error;
    expect(read.value.certificatePem).toBe(`${issuerPem}${middlePem}${rootPem}`);
    const authority = CertificateAuthority.load(read.value, { clock, trustDomain: 'cluster.local' });
    expect(authority.trustBundle.pem).toBe(rootPem);
  });

  it('trusts further roots that come with it', () => {
    const other = new TestCa({ commonName: 'other root' }).certificate.certPem;
    const files: Record<string, string> = {
      'tls.crt': `${issuerPem}${middlePem}`,
      'tls.key': key,
      'ca.crt': `${rootPem}${other}`,
    };
    const read = readIssuer((name) => files[name]);
    if (!read.ok) throw read.error;
    const { trustBundle } = CertificateAuthority.load(read.value, { clock, trustDomain: 'cluster.local' });
    expect(trustBundle.pem).toBe(`${rootPem}${other}`);
  });

  it.each<readonly [string, Readonly<Record<string, string | undefined>>, string]>([
    ['nothing', {}, 'expected tls.crt and tls.key, or ca-cert.pem and ca-key.pem'],
    ['no key', { 'tls.crt': issuerPem }, 'tls.key is missing'],
    ['no certificate', { 'ca-key.pem': key }, 'ca-cert.pem is missing'],
    ['no root', { 'tls.crt': `${issuerPem}${middlePem}`, 'tls.key': key }, 'that signed "CN=company intermediate"'],
    ['no PEM', { 'tls.crt': 'x', 'tls.key': key }, 'no certificate of the issuer'],
  ])('refuses %s', (_, files, problem) => {
    const read = readIssuer((name) => files[name]);
    expect(read.ok ? '' : read.error.message).toContain(problem);
  });
});

describe('IssuerDirectory', () => {
  it('follows a mounted Secret, whose files change all at once, and keeps the last issuer that can be used', () => {
    using dir = temporaryDirectory();
    const version = (name: string, files: Readonly<Record<string, string | undefined>>) => {
      mkdirSync(dir.file(name));
      for (const [file, text] of Object.entries(files)) writeFileSync(dir.file(`${name}/${file}`), text ?? '');
      symlinkSync(name, dir.file('data.new'));
      renameSync(dir.file('data.new'), dir.file('data'));
    };
    const good = { 'tls.crt': `${issuerPem}${middlePem}`, 'tls.key': key, 'ca.crt': rootPem };
    version('v1', good);
    const time = new FakeClock();
    const logger = new RecordingLogger();
    using directory = new IssuerDirectory({ directory: dir.file('data'), clock: time, logger });
    const seen: IssuerPem[] = [];
    expect(directory.read().ok).toBe(true);
    directory.watch((next) => seen.push(next));
    time.advance(10_000);
    expect(seen).toEqual([]);
    version('v2', { ...good, 'tls.crt': 'nonsense' });
    time.advance(2000);
    expect(seen).toEqual([]);
    expect(logger.lines).toMatchObject([{ level: 'error' }]);
    const renewed = new TestCa({ commonName: 'mesh issuer', parent: root });
    version('v3', { 'tls.crt': renewed.certificate.certPem, 'tls.key': renewed.certificate.keyPem, 'ca.crt': rootPem });
    time.advance(2000);
    expect(seen.map(({ keyPem }) => keyPem)).toEqual([renewed.certificate.keyPem]);
    time.advance(60_000);
    expect(seen).toHaveLength(1);
    directory.close();
    expect(time.timers).toBe(0);
  });
});
