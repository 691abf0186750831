import { renameSync, utimesSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { ok } from '@tulle/core';
import { temporaryDirectory, TestCa } from '@tulle/testkit';
import { parseTokenFile, TrustBundle, WatchedFile } from './index.ts';

const one = new TestCa();
const two = new TestCa();

describe('TrustBundle', () => {
  it('takes several roots among other text, each once', () => {
    const pem = `# roots\n${one.certificate.certPem}\n${two.certificate.certPem}${one.certificate.certPem}`;
    const bundle = TrustBundle.parse(pem);
    expect(bundle.ok && bundle.value.pem).toBe(one.certificate.certPem + two.certificate.certPem);
  });

  it('puts two bundles together, its own roots first', () => {
    const [first, second] = [TrustBundle.parse(one.certificate.certPem), TrustBundle.parse(two.certificate.certPem)];
    if (!first.ok || !second.ok) throw new Error('cannot be');
    expect(first.value.with(second.value).pem).toBe(one.certificate.certPem + two.certificate.certPem);
    expect(first.value.with(first.value)).toBe(first.value);
  });

  it.each([
    ['nothing', '', 'has no certificate'],
    ['a leaf', one.leaf('spiffe://td/x').certPem, 'number 1, that is of no certificate authority'],
    ['rubbish in PEM', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----', 'cannot be read'],
    ['half a certificate', one.certificate.certPem.slice(0, 200), 'has no end line'],
    ['more than 64', one.certificate.certPem.repeat(65), 'more than 64'],
  ])('refuses %s', (_name, pem, problem) => {
    const bundle = TrustBundle.parse(pem);
    expect(!bundle.ok && bundle.error.message).toContain(problem);
  });
});

describe('WatchedFile', () => {
  it('reads again only when the file changed, and names the file in errors', () => {
    using dir = temporaryDirectory();
    const path = dir.file('token');
    let parsed = 0;
    const file = new WatchedFile(path, {
      maxBytes: 100,
      parse: (text) => {
        parsed++;
        return parseTokenFile(text);
      },
    });
    expect(file.read()).toMatchObject({ ok: false, error: { code: 'unreadable-file' } });
    writeFileSync(path, 'first\n');
    expect(file.read()).toEqual(ok('first'));
    expect(file.read()).toEqual(ok('first'));
    expect(parsed).toBe(1);

    writeFileSync(dir.file('next'), 'other\n');
    renameSync(dir.file('next'), path);
    expect(file.read()).toEqual(ok('other'));

    writeFileSync(path, 'third\n');
    utimesSync(path, 1, 1);
    expect(file.read()).toEqual(ok('third'));

    writeFileSync(path, 'a b');
    const wrong = file.read();
    expect(!wrong.ok && wrong.error.message).toBe(`${path}: expected one line with a token`);

    writeFileSync(path, 'x'.repeat(101));
    const long = file.read();
    expect(!long.ok && long.error.message).toBe(`${path} is longer than 100 bytes`);
  });
});
