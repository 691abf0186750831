/** How long before the certificates of a tunnel end it takes no new streams any more. */
export interface TunnelMargin {
  readonly atMostMs: number;
  /** Where little is left from the start, this part of it. */
  readonly share: number;
}

/** The end that opens streams goes first, so that it has another tunnel before this one is closed to it. */
export const clientMargin: TunnelMargin = { atMostMs: 60_000, share: 1 / 4 };
export const serverMargin: TunnelMargin = { atMostMs: 30_000, share: 1 / 8 };

/** What is still open in a tunnel is cut so long before the certificate's end. */
const cutMs = 1_000;

/** The life of a tunnel: no longer than that of the certificates that its ends showed. Times are epoch milliseconds. */
export class TunnelLife {
  readonly #retiresAtMs: number;
  readonly #endsAtMs: number;

  constructor(certificatesEndMs: readonly number[], margin: TunnelMargin, nowMs: number) {
    const endMs = Math.min(...certificatesEndMs);
    this.#endsAtMs = endMs - cutMs;
    this.#retiresAtMs = endMs - Math.min(margin.atMostMs, Math.max(2 * cutMs, (endMs - nowMs) * margin.share));
  }

  /** `retiring`: no new streams; `over`: to be closed whatever is open in it. */
  phase(nowMs: number): 'fresh' | 'retiring' | 'over' {
    if (nowMs >= this.#endsAtMs) return 'over';
    return nowMs >= this.#retiresAtMs ? 'retiring' : 'fresh';
  }

  /** How long until the next phase; Infinity after the last. */
  nextInMs(nowMs: number): number {
    switch (this.phase(nowMs)) {
      case 'fresh':
        return this.#retiresAtMs - nowMs;
      case 'retiring':
        return this.#endsAtMs - nowMs;
      case 'over':
        return Number.POSITIVE_INFINITY;
    }
  }
}
