import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { FakeClock, temporaryDirectory, TestCa } from '@tulle/testkit';
import { FileRootStore } from './index.ts';

const options = { clock: new FakeClock(), trustDomain: 'cluster.local' };

describe('FileRootStore', () => {
  it('makes a root at first, readable to nobody else, and keeps it', () => {
    using dir = temporaryDirectory();
    const store = new FileRootStore(dir.file('state/ca'));
    const first = store.open(options);
    expect(readdirSync(store.directory).sort()).toEqual(['bundle.pem', 'root.crt', 'root.key']);
    expect(statSync(store.keyFile).mode & 0o777).toBe(0o600);
    expect(readFileSync(store.bundleFile, 'utf8')).toBe(first.issuer.toString());
    const key = readFileSync(store.keyFile, 'utf8');

    const second = new FileRootStore(store.directory).open(options);
    expect(second.issuer.fingerprint256).toBe(first.issuer.fingerprint256);
    expect(readFileSync(store.keyFile, 'utf8')).toBe(key);
    expect(first.issuer.subject).toMatch(/^O=cluster.local\nCN=Tulle root [0-9a-f]{8}$/);
    expect(first.issuer.validToDate.getTime() - options.clock.nowMs()).toBe(10 * 365.25 * 24 * 60 * 60 * 1000);
  });

  it.each([0o640, 0o604, 0o620, 0o644, 0o666])('refuses a key whose mode is %o, and says what to do', (mode) => {
    using dir = temporaryDirectory();
    const store = new FileRootStore(dir.path);
    store.open(options);
    chmodSync(store.keyFile, mode);
    expect(() => store.open(options)).toThrow(
      expect.objectContaining({
        code: 'ca-key-readable',
        message: `${store.keyFile} may be read by others (mode 0${mode.toString(8)})`,
        hint: expect.stringContaining(`chmod 600 ${store.keyFile}`) as unknown,
      }),
    );
  });

  it('makes the certificate of a key whose certificate was not written any more', () => {
    using dir = temporaryDirectory();
    const store = new FileRootStore(dir.path);
    const { issuer } = store.open(options);
    rmSync(store.certificateFile);
    rmSync(store.bundleFile);
    const again = store.open(options);
    expect(again.issuer.publicKey.equals(issuer.publicKey)).toBe(true);
    expect(again.issuer.verify(issuer.publicKey)).toBe(true);
  });

  it('keeps other roots of the bundle, and puts its own first', () => {
    using dir = temporaryDirectory();
    const store = new FileRootStore(dir.path);
    const other = new TestCa({ notAfterMs: Date.UTC(2050, 0, 1) });
    writeFileSync(store.bundleFile, other.certificate.certPem);
    const authority = store.open(options);
    const expected = authority.issuer.toString() + other.certificate.certPem;
    expect(readFileSync(store.bundleFile, 'utf8')).toBe(expected);
    expect(authority.trustBundle.pem).toBe(expected);
    expect(store.open(options).trustBundle.pem).toBe(expected);
  });

  it('names the file that it cannot use, and changes nothing', () => {
    using dir = temporaryDirectory();
    const store = new FileRootStore(dir.path);
    store.open(options);
    writeFileSync(store.bundleFile, new TestCa().leaf('spiffe://td/x').certPem);
    expect(() => store.open(options)).toThrow(`${store.bundleFile}: the trust bundle has a certificate`);
    writeFileSync(store.bundleFile, '');
    writeFileSync(store.certificateFile, new TestCa().certificate.certPem);
    expect(() => store.open(options)).toThrow('do not belong together');
    writeFileSync(store.keyFile, 'no key');
    expect(() => store.open(options)).toThrow("the authority's key cannot be read");
  });

  it('says so when the directory cannot be used', () => {
    using dir = temporaryDirectory();
    writeFileSync(dir.file('file'), '');
    expect(() => new FileRootStore(dir.file('file')).open(options)).toThrow(
      expect.objectContaining({ code: 'ca-store', message: expect.stringContaining(dir.file('file')) as unknown }),
    );
    mkdirSync(dir.file('ca/root.key'), { recursive: true });
    chmodSync(dir.file('ca/root.key'), 0o700);
    expect(() => new FileRootStore(dir.file('ca')).open(options)).toThrow(
      expect.objectContaining({ code: 'ca-store' }),
    );
  });
});
