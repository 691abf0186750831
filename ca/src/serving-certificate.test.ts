import { describe, expect, it } from '@jest/globals';
import { CodedError } from '@tulle/core';
import { controllerIdentity } from '@tulle/identity';
import { FakeClock, RecordingLogger } from '@tulle/testkit';
import { ServingCertificateKeeper, type IssuedServingCertificate } from './index.ts';

const hourMs = 60 * 60 * 1000;

describe('ServingCertificateKeeper', () => {
  it('gives a new certificate after half of the life, tries again when that fails, and stops when closed', () => {
    const clock = new FakeClock();
    const logger = new RecordingLogger();
    const given: IssuedServingCertificate[] = [];
    let broken = false;
    let issued = 0;
    const authority = {
      issueServingCertificate: () => {
        if (broken) throw new CodedError('ca-expired', 'the root expired');
        return { keyPem: 'key', certPem: `certificate ${++issued}`, notAfterMs: clock.nowMs() + 24 * hourMs };
      },
    };
    const identity = controllerIdentity('cluster.local');
    const keeper = new ServingCertificateKeeper({
      authority,
      identity,
      dnsNames: [],
      clock,
      logger,
      onCertificate: (certificate) => given.push(certificate),
    });
    expect(keeper.first.certPem).toBe('certificate 1');
    clock.advance(12 * hourMs - 1);
    expect(given).toEqual([]);
    clock.advance(1);
    expect(given.map((one) => one.certPem)).toEqual(['certificate 2']);
    broken = true;
    clock.advance(12 * hourMs);
    expect(logger.lines).toMatchObject([{ level: 'error', fields: { error: 'the root expired' } }]);
    broken = false;
    clock.advance(60_000);
    expect(given.map((one) => one.certPem)).toEqual(['certificate 2', 'certificate 3']);
    keeper.close();
    expect(clock.timers).toBe(0);
  });
});
