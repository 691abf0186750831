/**
 * The bounds on what a peer may make us do. Sizes bound memory; the budgets bound work that brings nobody anything.
 *
 * A budget is a bucket of tokens. It starts full (`burst`), useful work refills it, and so does time; a peer that
 * empties it gets GOAWAY with ENHANCE_YOUR_CALM (RFC 9113 section 10.5). The clock is read only when a bucket is empty.
 */
export interface Http2Limits {
  /** Greatest encoded header block, HEADERS and its CONTINUATIONs together, in bytes; more ends the connection. */
  readonly maxHeaderBlockBytes: number;
  /** Greatest decoded list: names, values and 32 a field (SETTINGS_MAX_HEADER_LIST_SIZE); more fails the stream. */
  readonly maxHeaderListBytes: number;
  /** Most fields of a list, pseudo-header fields counted; more fails the stream. */
  readonly maxHeaderFields: number;
  /** Most CONTINUATION frames of a block (CVE-2024-27316 and its kin); more ends the connection. */
  readonly maxContinuations: number;
  /** Most settings in one SETTINGS frame; more ends the connection. */
  readonly maxSettingsEntries: number;
  /** Most 1xx responses that a stream may get; more fails the stream. */
  readonly maxInformationalResponses: number;
  /**
   * Frames that carry nothing: SETTINGS, PING, PRIORITY, WINDOW_UPDATE, GOAWAY, unknown types, DATA without bytes,
   * anything for a closed stream. Each takes one; each frame with content, either way, gives four back.
   */
  readonly controlFrameBurst: number;
  readonly controlFramesPerSecond: number;
  /**
   * Streams that ended without use: reset by the peer before it had any answer (CVE-2023-44487), refused, or reset by
   * us for the peer's mistakes (CVE-2025-8671). Each takes one; each stream that ends well gives one back.
   */
  readonly wastedStreamBurst: number;
  readonly wastedStreamsPerSecond: number;
  /** How many closed streams are remembered, to tell late frames from wrong ones. */
  readonly rememberedStreams: number;
}

/** The limits for peers that are not trusted. */
export const defaultHttp2Limits: Http2Limits = {
  maxHeaderBlockBytes: 64 * 1024,
  maxHeaderListBytes: 60 * 1024,
  maxHeaderFields: 100,
  maxContinuations: 16,
  maxSettingsEntries: 32,
  maxInformationalResponses: 16,
  controlFrameBurst: 1000,
  controlFramesPerSecond: 100,
  wastedStreamBurst: 200,
  wastedStreamsPerSecond: 50,
  rememberedStreams: 128,
};

/** A bucket of tokens; see {@link Http2Limits}. */
export class Budget {
  #tokens: number;
  #filledAtMs: number;
  readonly #burst: number;
  readonly #perSecond: number;
  readonly #nowMs: () => number;

  constructor(burst: number, perSecond: number, nowMs: () => number) {
    this.#tokens = burst;
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#nowMs = nowMs;
    this.#filledAtMs = nowMs();
  }

  /** Takes a token; false when there is none. */
  take(): boolean {
    if (this.#tokens > 0) {
      this.#tokens--;
      return true;
    }
    const now = this.#nowMs();
    const earned = Math.floor(((now - this.#filledAtMs) * this.#perSecond) / 1000);
    if (earned <= 0) return false;
    this.#filledAtMs = now;
    this.#tokens = Math.min(this.#burst, earned) - 1;
    return true;
  }

  /** Gives tokens back for useful work. */
  give(tokens: number): void {
    this.#tokens = Math.min(this.#burst, this.#tokens + tokens);
  }
}
