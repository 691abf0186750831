import { inspect } from 'node:util';
import { createPublicKey, X509Certificate } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { CodedError } from '@tulle/core';
import { FakeClock, RecordingLogger, TestCa, type TestCertificateOptions } from '@tulle/testkit';
import { CertificateManager, parseCsr, renewalDelayMs, SpiffeId, type IssuedCertificate } from './index.ts';
import type { CertificateSigner, SignedChain, SigningRequest } from './index.ts';

const hourMs = 60 * 60 * 1000;
const cart = idOf('cart');
const web = idOf('web');

function idOf(serviceAccount: string): SpiffeId {
  const id = SpiffeId.forWorkload({ trustDomain: 'cluster.local', namespace: 'shop', serviceAccount });
  if (!id.ok) throw id.error;
  return id.value;
}

/** An authority in memory that can be away, or answer wrongly. */
class TestSigner implements CertificateSigner {
  readonly ca = new TestCa({ notBeforeMs: Date.UTC(2029, 0, 1), notAfterMs: Date.UTC(2040, 0, 1) });
  readonly requests: SigningRequest[] = [];
  readonly #clock: FakeClock;
  away = false;
  /** Answers wait for this. */
  gate: Promise<void> = Promise.resolve();
  wrongly: TestCertificateOptions & { chain?: (leaf: Buffer) => Buffer[] } = {};

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  async sign(request: SigningRequest): Promise<SignedChain> {
    this.requests.push(request);
    await this.gate;
    if (this.away) throw new CodedError('ca-unavailable', 'the authority is away');
    const key = parseCsr(request.csrPem);
    if (!key.ok) throw key.error;
    const nowMs = this.#clock.nowMs();
    const leaf = this.ca.leaf(request.identity.text, {
      publicKey: key.value,
      notBeforeMs: nowMs - 60_000,
      notAfterMs: nowMs + request.validityMs,
      ...this.wrongly,
    });
    return { chain: this.wrongly.chain?.(leaf.der) ?? [leaf.der, this.ca.certificate.der] };
  }
}

/** Numbers in [0, 1) that are the same each time (mulberry32). */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A manager whose time stands still and whose jitter is none. */
class Fixture implements Disposable {
  readonly clock = new FakeClock();
  readonly logger = new RecordingLogger();
  readonly signer = new TestSigner(this.clock);
  readonly issued: IssuedCertificate[] = [];
  readonly gone: string[] = [];
  readonly manager: CertificateManager;

  constructor(options: { readonly maxConcurrent?: number; readonly random?: () => number } = {}) {
    this.manager = new CertificateManager({
      signer: this.signer,
      clock: this.clock,
      logger: this.logger,
      random: () => 0,
      onCertificate: (certificate) => this.issued.push(certificate),
      onGone: (identity, why) => this.gone.push(`${identity.text} ${why}`),
      ...options,
    });
  }

  /** Moves the time and lets what is under way come to its end. */
  async advance(ms: number): Promise<void> {
    this.clock.advance(ms);
    await settled();
  }

  [Symbol.dispose](): void {
    this.manager.close();
  }
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((done) => setImmediate(done));
}

describe('CertificateManager', () => {
  it('fetches a certificate for each identity, each with a key of its own', async () => {
    using fixture = new Fixture();
    fixture.manager.setWanted([cart, web]);
    expect(fixture.manager.states().map(({ identity, state }) => [identity, state])).toEqual([
      [cart.text, 'fetching'],
      [web.text, 'fetching'],
    ]);
    await settled();
    const nowMs = fixture.clock.nowMs();
    const [first, second] = fixture.issued as [IssuedCertificate, IssuedCertificate];
    expect(fixture.manager.states()[0]).toEqual({
      identity: cart.text,
      state: 'valid',
      failures: 0,
      serial: first.serial,
      issuer: first.issuer,
      notBeforeMs: nowMs - 60_000,
      notAfterMs: nowMs + 24 * hourMs,
      nextAttemptMs: nowMs + 12 * hourMs,
    });
    const leafKey = new X509Certificate(first.chainPem).publicKey;
    expect(createPublicKey(first.privateKeyPem).equals(leafKey)).toBe(true);
    expect(first.privateKeyPem).not.toBe(second.privateKeyPem);
    expect(first.rootsPem).toBe(fixture.signer.ca.certificate.certPem);
    expect(fixture.manager.get(cart.text)).toBe(first);
  });

  it('renews after half of the life, and not before', async () => {
    using fixture = new Fixture();
    fixture.manager.setWanted([cart]);
    await settled();
    await fixture.advance(12 * hourMs - 1);
    expect(fixture.issued).toHaveLength(1);
    await fixture.advance(1);
    expect(fixture.issued).toHaveLength(2);
    expect(fixture.issued[1]?.privateKeyPem).not.toBe(fixture.issued[0]?.privateKeyPem);
    expect(fixture.manager.get(cart.text)).toBe(fixture.issued[1]);
    await fixture.advance(12 * hourMs);
    expect(fixture.issued).toHaveLength(3);
  });

  it('keeps a certificate of ninety days for ninety days, though no timer can wait that long', async () => {
    using fixture = new Fixture();
    const dayMs = 24 * hourMs;
    fixture.signer.wrongly = { notAfterMs: fixture.clock.nowMs() + 90 * dayMs };
    fixture.manager.setWanted([cart]);
    await settled();
    expect(fixture.clock.nextInMs).toBe(20 * dayMs);
    fixture.signer.away = true;
    fixture.clock.advance(90 * dayMs - 1);
    expect(fixture.manager.get(cart.text)).toBe(fixture.issued[0]);
    fixture.clock.advance(1);
    expect(fixture.manager.get(cart.text)).toBeUndefined();
    await settled();
  });

  it('spreads renewals over the last two fifths before half of the life', async () => {
    using fixture = new Fixture({ random: () => 0.999 });
    fixture.manager.setWanted([cart]);
    await settled();
    const next = fixture.manager.states()[0]?.nextAttemptMs ?? 0;
    const inMs = next - fixture.clock.nowMs();
    expect(inMs).toBeGreaterThan(7.2 * hourMs - 1);
    expect(inMs).toBeLessThan(7.3 * hourMs);
  });

  it('renews 10,000 certificates that were all fetched at once with a load that is flat from the first day on', () => {
    const [tenMinutesMs, days] = [hourMs / 6, 6];
    const perTenMinutes = Array.from({ length: (days * 24 * hourMs) / tenMinutesMs }, () => 0);
    const random = seededRandom(1);
    for (let workload = 0; workload < 10_000; workload++) {
      for (let atMs = 0; ;) {
        atMs += renewalDelayMs(24 * hourMs, random);
        const slot = Math.floor(atMs / tenMinutesMs);
        if (slot >= perTenMinutes.length) break;
        perTenMinutes[slot] = (perTenMinutes[slot] ?? 0) + 1;
      }
    }
    const later = perTenMinutes.slice(perTenMinutes.length / 2);
    const mean = later.reduce((sum, count) => sum + count, 0) / later.length;
    // 0.3 signatures a second, 0.6 at the first peak; an authority signs a thousand.
    expect(mean / 600).toBeCloseTo(0.29, 2);
    expect(Math.max(...perTenMinutes)).toBeLessThan(2.3 * mean);
    expect(Math.max(...later)).toBeLessThan(1.35 * mean);
    expect(Math.min(...later)).toBeGreaterThan(0.65 * mean);
  });

  it('tries again with back-off while the authority is away, and keeps the old certificate until it expires', async () => {
    using fixture = new Fixture();
    fixture.manager.setWanted([cart]);
    await settled();
    fixture.signer.away = true;
    await fixture.advance(12 * hourMs);
    expect(fixture.manager.states()[0]).toMatchObject({ state: 'renewal-failing', error: 'the authority is away' });
    const waits: number[] = [];
    for (let tries = 0; tries < 12; tries++) {
      const wait = (fixture.manager.states()[0]?.nextAttemptMs ?? 0) - fixture.clock.nowMs();
      waits.push(wait);
      await fixture.advance(wait);
    }
    expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 128_000, 150_000, 150_000, 150_000]);
    const warning = fixture.logger.lines.find((line) => line.level === 'warn');
    expect(warning).toMatchObject({
      message: 'certificate not renewed: the old one is kept until it expires',
      fields: { identity: cart.text, error: 'the authority is away', retryInMs: 500, expiresInMs: 12 * hourMs },
    });
    expect(fixture.manager.get(cart.text)).toBe(fixture.issued[0]);

    const left = (fixture.issued[0]?.notAfterMs ?? 0) - fixture.clock.nowMs();
    fixture.clock.advance(left);
    await settled();
    expect(fixture.gone).toEqual([`${cart.text} expired`]);
    expect(fixture.manager.get(cart.text)).toBeUndefined();
    expect(fixture.manager.states()[0]).toMatchObject({ state: 'expired', error: 'the authority is away' });

    fixture.signer.away = false;
    await fixture.advance(150_000);
    expect(fixture.issued).toHaveLength(2);
    expect(fixture.manager.states()[0]?.state).toBe('valid');
    expect(fixture.manager.states()[0]).not.toHaveProperty('error');
  });

  it('says that there is no certificate yet when the first try fails', async () => {
    using fixture = new Fixture();
    fixture.signer.away = true;
    fixture.manager.setWanted([cart]);
    await settled();
    expect(fixture.manager.states()).toEqual([
      {
        identity: cart.text,
        state: 'failing',
        failures: 1,
        nextAttemptMs: fixture.clock.nowMs() + 500,
        error: 'the authority is away',
      },
    ]);
    fixture.signer.away = false;
    await fixture.advance(500);
    expect(fixture.issued).toHaveLength(1);
  });

  it('forgets what is no longer wanted, with its timers, and drops answers that come too late', async () => {
    using fixture = new Fixture();
    fixture.manager.setWanted([cart]);
    await settled();
    fixture.manager.setWanted([]);
    expect(fixture.gone).toEqual([`${cart.text} unwanted`]);
    expect(fixture.manager.states()).toEqual([]);
    expect(fixture.clock.timers).toBe(0);

    const gate = Promise.withResolvers<void>();
    fixture.signer.gate = gate.promise;
    fixture.manager.setWanted([web]);
    fixture.manager.setWanted([]);
    gate.resolve();
    await settled();
    expect(fixture.issued).toHaveLength(1);
    expect(fixture.clock.timers).toBe(0);
  });

  it('leaves what is still wanted as it is', async () => {
    using fixture = new Fixture();
    fixture.manager.setWanted([cart]);
    await settled();
    fixture.manager.setWanted([cart, web]);
    await settled();
    expect(fixture.issued.map((one) => one.identity.text)).toEqual([cart.text, web.text]);
  });

  it('asks for no more certificates at once than allowed, and for all in the end', async () => {
    using fixture = new Fixture({ maxConcurrent: 3 });
    const gate = Promise.withResolvers<void>();
    fixture.signer.gate = gate.promise;
    fixture.manager.setWanted(Array.from({ length: 10 }, (_, n) => idOf(`app-${n}`)));
    await settled();
    expect(fixture.signer.requests).toHaveLength(3);
    gate.resolve();
    await settled();
    expect(fixture.issued).toHaveLength(10);
  });

  it('leaves no timer and gives no certificate after it was closed', async () => {
    using fixture = new Fixture();
    fixture.manager.setWanted([cart]);
    fixture.manager.close();
    await settled();
    expect(fixture.issued).toEqual([]);
    expect(fixture.clock.timers).toBe(0);
    fixture.manager.setWanted([cart]);
    expect(fixture.manager.states()).toEqual([]);
  });

  it.each([
    ['for another identity', { uris: [web.text] }, 'it is for spiffe://cluster.local/ns/shop/sa/web'],
    ['for another key', { publicKey: testKeyPair() }, 'it is for another key'],
    ['that has expired', { notAfterMs: Date.UTC(2029, 11, 1) }, 'expired at'],
    ['that no client may use', { usages: ['server' as const] }, 'may not be used by a TLS client'],
    ['without its root', { chain: (leaf: Buffer) => [leaf] }, 'the chain has no root'],
    ['of another root', { chain: (leaf: Buffer) => [leaf, new TestCa().certificate.der] }, 'is not signed by the next'],
    ['that cannot be read', { chain: () => [Buffer.from('x'), Buffer.from('y')] }, 'certificate 1 cannot be read'],
  ])('refuses a certificate %s', async (_name, wrongly, problem) => {
    using fixture = new Fixture();
    fixture.signer.wrongly = wrongly;
    fixture.manager.setWanted([cart]);
    await settled();
    expect(fixture.issued).toEqual([]);
    expect(fixture.manager.states()[0]?.error).toContain(problem);
  });

  it('shows no private key in logs, JSON or inspection', async () => {
    using fixture = new Fixture();
    fixture.manager.setWanted([cart]);
    await settled();
    const certificate = fixture.issued[0] as IssuedCertificate;
    const shown = [
      JSON.stringify(certificate),
      inspect(certificate, { depth: 10, showHidden: true }),
      String(Object.entries(certificate)),
      JSON.stringify(fixture.logger.lines),
    ];
    for (const text of shown) expect(text).not.toMatch(/PRIVATE KEY/);
    expect(JSON.parse(JSON.stringify(certificate))).toMatchObject({ identity: cart.text, privateKey: '[redacted]' });
  });
});

function testKeyPair() {
  return new TestCa().leaf(cart.text).x509.publicKey;
}

describe('another root', () => {
  it('has certificates of the old one renewed within the time given, and those that come later, too', async () => {
    using fixture = new Fixture({ random: () => 0.5 });
    fixture.manager.setWanted([cart, web]);
    await settled();
    const [old] = fixture.issued;
    expect(fixture.issued).toHaveLength(2);
    fixture.manager.renewUnlessOf('another root', 10_000);
    await fixture.advance(4_900);
    expect(fixture.issued).toHaveLength(2);
    await fixture.advance(200);
    // The authority still signs with the old root: it is asked again.
    expect(fixture.issued).toHaveLength(4);
    await fixture.advance(5_000);
    expect(fixture.issued).toHaveLength(6);
    fixture.manager.renewUnlessOf(old?.rootFingerprint ?? '', 10_000);
    await fixture.advance(5_000);
    const renewed = fixture.issued.length;
    await fixture.advance(hourMs);
    expect(fixture.issued).toHaveLength(renewed);
  });

  it('leaves certificates alone that are of it', async () => {
    using fixture = new Fixture();
    fixture.manager.setWanted([cart]);
    await settled();
    fixture.manager.renewUnlessOf(fixture.issued[0]?.rootFingerprint ?? '', 1_000);
    await fixture.advance(hourMs);
    expect(fixture.issued).toHaveLength(1);
  });
});
