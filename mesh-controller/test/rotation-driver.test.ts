import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { GivenAuthority, readIssuer, type IssuerPem } from '@tulle/ca';
import { FakeClock, RecordingLogger, TestCa } from '@tulle/testkit';
import { RotationDriver } from '../src/server/rotation-driver.ts';

function issuerUnder(root: TestCa): IssuerPem {
  const { certPem, keyPem } = new TestCa({ commonName: 'mesh issuer', parent: root }).certificate;
  const files: Record<string, string> = { 'tls.crt': certPem, 'tls.key': keyPem, 'ca.crt': root.certificate.certPem };
  const issuer = readIssuer((name) => files[name]);
  if (!issuer.ok) throw issuer.error;
  return issuer.value;
}

describe('RotationDriver', () => {
  const clock = new FakeClock(Date.now());
  const [old, other] = [new TestCa({ commonName: 'old root' }), new TestCa({ commonName: 'other root' })];
  let authority: GivenAuthority;
  let waits: readonly string[];
  let driver: RotationDriver;

  beforeEach(() => {
    authority = new GivenAuthority(issuerUnder(old), { clock, trustDomain: 'cluster.local' });
    waits = [];
    driver = new RotationDriver({ rotation: authority, waitsFor: () => waits, clock, logger: new RecordingLogger() });
    driver.start();
  });
  afterEach(() => driver.close());

  /** Lets so many seconds pass, each to the end of what it began. */
  async function seconds(count: number): Promise<void> {
    for (let passed = 0; passed < count; passed++) {
      clock.advance(1000);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  it('takes over another root in its steps, each no sooner than after fifteen seconds', async () => {
    authority.offer(issuerUnder(other));
    await seconds(14);
    expect(authority.phase).toBe('prepared');
    await seconds(4);
    expect(authority.phase).toBe('switched');
    await seconds(12);
    expect(authority.phase).toBe('switched');
    await seconds(6);
    expect(authority.phase).toBe('idle');
    expect(authority.trustBundle.pem).toBe(other.certificate.certPem);
  });

  it('waits as long as an agent lacks what the step before brought', async () => {
    authority.offer(issuerUnder(other));
    waits = ['node n1: its agent has not taken over the roots yet'];
    await seconds(300);
    expect(authority.phase).toBe('prepared');
    waits = [];
    await seconds(1);
    expect(authority.phase).toBe('switched');
  });

  it('does nothing after it was closed, and leaves no timer', async () => {
    authority.offer(issuerUnder(other));
    driver.close();
    await seconds(60);
    expect(authority.phase).toBe('prepared');
    expect(clock.timers).toBe(0);
  });
});
