import { backoffDelayMs, errorMessage, type BackoffPolicy, type Clock, type Logger, type Timer } from '@tulle/core';
import type { CertificateSigner } from './certificate-client.ts';
import { createCsr } from './csr.ts';
import { IssuedCertificate } from './issued-certificate.ts';
import { generateKeyPair } from './keys.ts';
import type { SpiffeId } from './spiffe-id.ts';

/**
 * Where an identity stands:
 * - `fetching`: no certificate yet, none was refused yet;
 * - `valid`: a certificate, the next renewal is planned;
 * - `renewing`: a certificate, and half of its life is over;
 * - `renewal-failing`: a certificate, but at least one renewal failed; tried again at `nextAttemptMs`;
 * - `failing`: no certificate, and at least one try failed;
 * - `expired`: as `failing`, but there was one.
 */
export type CertificatePhase = 'fetching' | 'valid' | 'renewing' | 'renewal-failing' | 'failing' | 'expired';

/** What is known of one identity's certificate, for people: `tulle certificates` shows it. Times are epoch milliseconds. */
export interface CertificateState {
  readonly identity: string;
  readonly state: CertificatePhase;
  readonly serial?: string;
  readonly issuer?: string;
  readonly notBeforeMs?: number;
  readonly notAfterMs?: number;
  /** When a certificate is asked for next: the renewal, or the next try. */
  readonly nextAttemptMs?: number;
  /** How many tries failed since the last that succeeded. */
  readonly failures: number;
  /** Why the last try failed. */
  readonly error?: string;
}

/** What a {@link CertificateManager} is made from. */
export interface CertificateManagerOptions {
  readonly signer: CertificateSigner;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called with each new certificate. */
  readonly onCertificate: (certificate: IssuedCertificate) => void;
  /** Called when an identity's certificate is gone: it expired, or the identity is no longer wanted. */
  readonly onGone?: (identity: SpiffeId, why: 'expired' | 'unwanted') => void;
  /** The lifetime asked for; 24 h by default. */
  readonly validityMs?: number;
  /** How many requests may be under way at once; 8 by default. */
  readonly maxConcurrent?: number;
  /** Numbers in [0, 1), for jitter. */
  readonly random?: () => number;
}

/** One wanted identity. Invariant: at most one of `timer`, `queued` and `busy` is set. */
interface Entry {
  readonly identity: SpiffeId;
  current: IssuedCertificate | undefined;
  everHadOne: boolean;
  failures: number;
  error: string | undefined;
  timer: Timer | undefined;
  expiry: Timer | undefined;
  nextAttemptMs: number | undefined;
  queued: boolean;
  busy: boolean;
}

const retry: BackoffPolicy = { initialMs: 500, maxMs: 150_000, jitter: 0.5 };
/** Certificates that were fetched at once are renewed at many times, and at more with each renewal. */
const renewalJitter = 0.4;
const dayMs = 24 * 60 * 60 * 1000;
/** The longest time that a timer of Node can wait is 2^31-1 ms; longer ones are gone through in steps. */
const maxTimerMs = 20 * dayMs;
/** An authority's words are kept and shown up to this length. */
const maxErrorLength = 1000;
/** However short a life an authority gives, it is not asked more often than this. */
const minRenewalMs = 500;

/**
 * Keeps a certificate for each identity that is wanted: fetches it, renews it after half of its life or up to two fifths
 * of that earlier, at random, tries again with back-off when the authority is away, and keeps the old certificate until
 * it expires. Keys never leave memory; each certificate has a new one.
 */
export class CertificateManager implements Disposable {
  readonly #options: CertificateManagerOptions;
  readonly #random: () => number;
  readonly #entries = new Map<string, Entry>();
  readonly #queue: Entry[] = [];
  #underWay = 0;
  #wantedRoot: { readonly fingerprint: string; readonly withinMs: number } | undefined;
  #closed = false;

  constructor(options: CertificateManagerOptions) {
    this.#options = options;
    this.#random = options.random ?? Math.random;
  }

  /** Replaces the set of identities that are wanted. Those that are new are fetched, those that are gone are forgotten. */
  setWanted(identities: Iterable<SpiffeId>): void {
    if (this.#closed) return;
    const wanted = new Map<string, SpiffeId>();
    for (const identity of identities) wanted.set(identity.text, identity);
    for (const [key, entry] of this.#entries) if (!wanted.has(key)) this.#forget(key, entry);
    for (const [key, identity] of wanted) {
      if (this.#entries.has(key)) continue;
      const entry = newEntry(identity);
      this.#entries.set(key, entry);
      this.#enqueue(entry);
    }
    this.#pump();
  }

  /** The certificate of an identity, if there is a valid one. */
  get(identity: string): IssuedCertificate | undefined {
    return this.#entries.get(identity)?.current;
  }

  /**
   * Renews every certificate whose chain ends in another root than this one (its SHA-256), those that are there now and
   * those that still come, within `withinMs`, each at a random time.
   */
  renewUnlessOf(rootFingerprint: string, withinMs: number): void {
    this.#wantedRoot = { fingerprint: rootFingerprint, withinMs };
    for (const entry of this.#entries.values()) {
      if (entry.current === undefined || entry.busy || entry.queued) continue;
      if (entry.current.rootFingerprint === rootFingerprint) continue;
      entry.timer?.cancel();
      this.#plan(entry, withinMs * this.#random());
    }
  }

  /** Renews every certificate that is there within `withinMs`, each at a random time, whoever signed it. */
  renewAll(withinMs: number): void {
    this.#wantedRoot = undefined;
    for (const entry of this.#entries.values()) {
      if (entry.busy || entry.queued) continue;
      entry.timer?.cancel();
      this.#plan(entry, withinMs * this.#random());
    }
  }

  /** Where each wanted identity stands, sorted by identity. */
  states(): CertificateState[] {
    return [...this.#entries.values()]
      .map(stateOf)
      .sort((a, b) => (a.identity < b.identity ? -1 : a.identity > b.identity ? 1 : 0));
  }

  /** Stops all timers and forgets the certificates; answers that still come are dropped. */
  close(): void {
    this.#closed = true;
    for (const entry of this.#entries.values()) stopTimers(entry);
    this.#entries.clear();
    this.#queue.length = 0;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #forget(key: string, entry: Entry): void {
    stopTimers(entry);
    this.#entries.delete(key);
    if (entry.current === undefined) return;
    entry.current = undefined;
    this.#options.onGone?.(entry.identity, 'unwanted');
  }

  #enqueue(entry: Entry): void {
    entry.timer = undefined;
    entry.nextAttemptMs = undefined;
    entry.queued = true;
    this.#queue.push(entry);
  }

  #pump(): void {
    const limit = this.#options.maxConcurrent ?? 8;
    while (this.#underWay < limit) {
      const entry = this.#queue.shift();
      if (entry === undefined) return;
      if (!this.#isWanted(entry)) continue;
      entry.queued = false;
      entry.busy = true;
      this.#underWay++;
      void this.#fetch(entry).finally(() => {
        this.#underWay--;
        this.#pump();
      });
    }
  }

  #isWanted(entry: Entry): boolean {
    return this.#entries.get(entry.identity.text) === entry;
  }

  async #fetch(entry: Entry): Promise<void> {
    const { signer, clock, validityMs } = this.#options;
    let issued: IssuedCertificate | undefined;
    try {
      const keys = generateKeyPair();
      const csrPem = createCsr(keys, entry.identity);
      const answer = await signer.sign({ identity: entry.identity, csrPem, validityMs: validityMs ?? dayMs });
      issued = IssuedCertificate.fromAnswer(entry.identity, keys, answer, clock.nowMs());
    } catch (thrown) {
      entry.error = errorMessage(thrown).slice(0, maxErrorLength);
    }
    entry.busy = false;
    // Late answers: the identity may be gone, or gone and wanted again as another entry.
    if (!this.#isWanted(entry)) return;
    if (issued === undefined) this.#failed(entry);
    else this.#arrived(entry, issued);
  }

  #arrived(entry: Entry, issued: IssuedCertificate): void {
    const { clock, logger, onCertificate } = this.#options;
    const leftMs = issued.notAfterMs - clock.nowMs();
    const wanted = this.#wantedRoot;
    const isOfWantedRoot = wanted === undefined || issued.rootFingerprint === wanted.fingerprint;
    const plannedMs = isOfWantedRoot ? renewalDelayMs(leftMs, this.#random) : wanted.withinMs * this.#random();
    const renewInMs = Math.max(minRenewalMs, plannedMs);
    stopTimers(entry);
    entry.current = issued;
    entry.everHadOne = true;
    entry.failures = 0;
    entry.error = undefined;
    this.#plan(entry, renewInMs);
    this.#watchExpiry(entry, issued);
    logger.info('certificate issued', {
      identity: entry.identity.text,
      serial: issued.serial,
      notAfter: new Date(issued.notAfterMs).toISOString(),
    });
    onCertificate(issued);
  }

  #failed(entry: Entry): void {
    const { clock, logger } = this.#options;
    const delayMs = backoffDelayMs(retry, entry.failures, this.#random);
    entry.failures++;
    this.#plan(entry, delayMs);
    const fields = { identity: entry.identity.text, error: entry.error, retryInMs: Math.round(delayMs) };
    if (entry.current === undefined) {
      logger.error('no certificate: the workload cannot take part in the mesh until the authority signs one', fields);
    } else {
      const expiresInMs = entry.current.notAfterMs - clock.nowMs();
      logger.warn('certificate not renewed: the old one is kept until it expires', { ...fields, expiresInMs });
    }
  }

  /** Asks the clock again when the timer ends: the time may have been set meanwhile, either way. */
  #watchExpiry(entry: Entry, issued: IssuedCertificate): void {
    const { clock } = this.#options;
    const leftMs = issued.notAfterMs - clock.nowMs();
    if (leftMs <= 0) this.#expired(entry);
    else entry.expiry = clock.after(Math.min(maxTimerMs, leftMs), () => this.#watchExpiry(entry, issued));
  }

  #expired(entry: Entry): void {
    entry.expiry = undefined;
    entry.current = undefined;
    this.#options.logger.error('certificate expired', { identity: entry.identity.text, error: entry.error });
    this.#options.onGone?.(entry.identity, 'expired');
  }

  #plan(entry: Entry, delayMs: number): void {
    const { clock } = this.#options;
    entry.nextAttemptMs = Math.round(clock.nowMs() + delayMs);
    entry.timer = clock.after(delayMs, () => {
      this.#enqueue(entry);
      this.#pump();
    });
  }
}

/** When a certificate that ends in `leftMs` is renewed: after half of that, or up to two fifths of the half earlier. */
export function renewalDelayMs(leftMs: number, random: () => number): number {
  return Math.min(maxTimerMs, leftMs / 2) * (1 - renewalJitter * random());
}

function newEntry(identity: SpiffeId): Entry {
  return {
    identity,
    current: undefined,
    everHadOne: false,
    failures: 0,
    error: undefined,
    timer: undefined,
    expiry: undefined,
    nextAttemptMs: undefined,
    queued: false,
    busy: false,
  };
}

function stopTimers(entry: Entry): void {
  entry.timer?.cancel();
  entry.timer = undefined;
  entry.expiry?.cancel();
  entry.expiry = undefined;
}

function phaseOf(entry: Entry): CertificatePhase {
  if (entry.current === undefined) {
    if (entry.everHadOne) return 'expired';
    return entry.failures > 0 ? 'failing' : 'fetching';
  }
  if (entry.failures > 0) return 'renewal-failing';
  return entry.busy || entry.queued ? 'renewing' : 'valid';
}

function stateOf(entry: Entry): CertificateState {
  const { current, nextAttemptMs, error } = entry;
  return {
    identity: entry.identity.text,
    state: phaseOf(entry),
    failures: entry.failures,
    ...(current === undefined
      ? {}
      : {
          serial: current.serial,
          issuer: current.issuer,
          notBeforeMs: current.notBeforeMs,
          notAfterMs: current.notAfterMs,
        }),
    ...(nextAttemptMs === undefined ? {} : { nextAttemptMs }),
    ...(error === undefined ? {} : { error }),
  };
}
