import { existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createCsr, generateKeyPair, SpiffeId } from '@tulle/identity';
import { FakeClock, temporaryDirectory } from '@tulle/testkit';
import { FileRootStore } from './file-root-store.ts';
import { RotatingAuthority } from './rotating-authority.ts';

const clock = new FakeClock(Date.parse('2026-05-01T10:00:00Z'));
const options = { clock, trustDomain: 'cluster.local' };
let directory: ReturnType<typeof temporaryDirectory>;

beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(() => {
  directory[Symbol.dispose]();
});

function open(): RotatingAuthority {
  return new RotatingAuthority(new FileRootStore(directory.path), options);
}

function fingerprints(authority: RotatingAuthority): string[] {
  return authority.trustBundle.roots.map((root) => root.fingerprint256);
}

function rootOfSigned(authority: RotatingAuthority): string | undefined {
  const identity = SpiffeId.parse('spiffe://cluster.local/ns/shop/sa/cart');
  if (!identity.ok) throw identity.error;
  const csrPem = createCsr(generateKeyPair(), identity.value);
  const signed = authority.sign({ csrPem, identity: identity.value });
  if (!signed.ok) throw signed.error;
  return signed.value.chain.at(-1);
}

describe('RotatingAuthority', () => {
  it('trusts both roots before the new one signs, and both until the end', () => {
    const authority = open();
    const [old] = fingerprints(authority);
    const oldRoot = rootOfSigned(authority);
    const seen: string[][] = [];
    authority.onChange(() => seen.push(fingerprints(authority)));

    authority.take('prepare');
    expect(authority.phase).toBe('prepared');
    expect(rootOfSigned(authority)).toBe(oldRoot);
    const [, added] = fingerprints(authority);

    authority.take('switch');
    expect(authority.phase).toBe('switched');
    expect(rootOfSigned(authority)).not.toBe(oldRoot);
    expect(authority.issuer.fingerprint256).toBe(added);

    authority.take('finish');
    expect(authority.phase).toBe('idle');
    expect(seen).toEqual([[old, added], [added, old], [added]]);
  });

  it('stands where it stood after a restart, with the same roots', () => {
    for (const step of ['prepare', 'switch', 'finish'] as const) {
      const authority = open();
      authority.take(step);
      const again = open();
      expect([again.phase, fingerprints(again)]).toEqual([authority.phase, fingerprints(authority)]);
    }
  });

  it('completes a switch that a process did not live to complete', () => {
    open().take('prepare');
    const added = fingerprints(open())[1];
    renameSync(join(directory.path, 'next.key'), join(directory.path, 'root.key'));
    expect(open().issuer.fingerprint256).toBe(added);
  });

  it('takes steps in their order only', () => {
    const authority = open();
    for (const step of ['switch', 'finish', 'abort'] as const) {
      expect(() => authority.take(step)).toThrow('this is "idle"');
    }
    authority.take('prepare');
    for (const step of ['prepare', 'finish'] as const) expect(() => authority.take(step)).toThrow('this is "prepared"');
    authority.take('switch');
    expect(() => authority.take('abort')).toThrow('this is "switched"');
  });

  it('forgets the new root when it is given up, key and all', () => {
    const authority = open();
    const before = fingerprints(authority);
    authority.take('prepare');
    authority.take('abort');
    expect(fingerprints(authority)).toEqual(before);
    expect(existsSync(join(directory.path, 'next.key'))).toBe(false);
    expect(readFileSync(join(directory.path, 'bundle.pem'), 'utf8').match(/BEGIN/g)).toHaveLength(1);
  });
});
