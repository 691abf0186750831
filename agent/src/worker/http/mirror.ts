import type { HeaderBlock } from '@tulle/core';
import { http2ErrorCode } from '@tulle/wire';
import type { Pod } from '../pod.ts';
import type { Deadline } from '../tick.ts';
import type { OutgoingRequest, ServerReceiver, ServerSide } from './sides.ts';
import { encodeTrailers } from './trailers.ts';

/** A mirrored request that takes longer than this is given up. */
const mirrorTimeoutMs = 30_000;
/** What is kept for a mirror that is slower than the request before it is given up. */
const maxBehindBytes = 1024 * 1024;

/**
 * The copy of a request that goes to a mirror. Its response is thrown away, and nothing that happens to it reaches the
 * request: a mirror that is slow, full or broken is given up.
 */
export class MirroredRequest implements ServerReceiver, Deadline {
  tickerSlot = -1;
  deadlineMs: number;
  readonly #pod: Pod;
  #server: ServerSide | undefined;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #behind = false;
  #ended: boolean;
  #endSent = false;
  #trailers: Buffer | undefined;

  /** Sends the request's head. */
  constructor(pod: Pod, server: ServerSide, request: OutgoingRequest) {
    this.#pod = pod;
    this.#server = server;
    this.#ended = request.ended;
    this.deadlineMs = pod.context.ticker.nowMs + mirrorTimeoutMs;
    pod.context.ticker.add(this);
    server.begin(this, request, false);
    if (!request.ended) return;
    this.#endSent = true;
    server.end(undefined);
  }

  /** A part of the request's body. */
  send(chunk: Buffer, start: number, end: number): void {
    const server = this.#server;
    if (server === undefined) return;
    if (server.opened && !this.#behind) {
      this.#behind = !server.send(chunk, start, end);
      return;
    }
    this.#waitingBytes += end - start;
    if (this.#waitingBytes > maxBehindBytes) {
      this.#giveUp();
      return;
    }
    this.#waiting.push(chunk.subarray(start, end));
  }

  /** The request's last byte was given. */
  end(trailers: HeaderBlock | undefined): void {
    const server = this.#server;
    if (server === undefined) return;
    this.#ended = true;
    if (trailers !== undefined) this.#trailers = encodeTrailers(this.#pod.context, server.version, trailers);
    this.#drain();
  }

  /** The request broke off. */
  abandon(): void {
    if (!this.#ended) this.#giveUp();
  }

  onServerOpen(): void {
    this.#drain();
  }

  onServerWritable(): void {
    this.#behind = false;
    this.#drain();
  }

  #drain(): void {
    const server = this.#server;
    if (server === undefined || !server.opened) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    for (const chunk of waiting) this.#behind = !server.send(chunk, 0, chunk.length);
    if (!this.#ended || this.#endSent) return;
    this.#endSent = true;
    server.end(this.#trailers);
  }

  onResponseHead(): void {}
  onResponseBody(): void {}
  onResponseTrailers(): void {}
  onResponsePause(): void {}

  onResponseEnd(): void {
    const server = this.#server;
    this.#forget();
    if (!this.#endSent) server?.reset(http2ErrorCode.cancel);
  }

  onUpgraded(): void {
    this.#giveUp();
  }

  onServerFailure(): void {
    this.#forget();
    this.#pod.context.counters.add('mirror_failed');
  }

  onDeadline(): void {
    this.#giveUp();
  }

  #giveUp(): void {
    const server = this.#server;
    this.#forget();
    server?.reset(http2ErrorCode.cancel);
    this.#pod.context.counters.add('mirror_given_up');
  }

  #forget(): void {
    this.#server = undefined;
    this.#waiting = [];
    this.#pod.context.ticker.remove(this);
  }
}
