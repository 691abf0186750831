import { Http2ConnectionError } from './errors.ts';
import type { Http2Limits } from './limits.ts';
import { frameFlag, http2ErrorCode } from './protocol.ts';
import { read31Bits } from './settings.ts';

/**
 * The header block at hand: a HEADERS frame, whose CONTINUATIONs follow one another with nothing between them
 * (RFC 9113 section 4.3). A block of one frame is not copied.
 */
export class HeaderAssembler {
  /** The stream whose CONTINUATION must come next, or 0. */
  streamId = 0;
  endStream = false;
  /** The priority fields name the stream itself. */
  dependsOnItself = false;
  block: Buffer = nothing;
  start = 0;
  end = 0;
  readonly #limits: Http2Limits;
  #gathered: Buffer = nothing;
  #length = 0;
  #continuations = 0;

  constructor(limits: Http2Limits) {
    this.#limits = limits;
  }

  /** Takes a HEADERS frame's payload; true when the block is complete: `block[start..end)`, until the next call. */
  onHeaders(streamId: number, flags: number, payload: Buffer, range: { start: number; end: number }): boolean {
    let { start, end } = range;
    if ((flags & frameFlag.padded) !== 0) {
      // A missing length byte reads as undefined here: `start` is the end then, and the check below sees it.
      const padding = start < end ? (payload[start] as number) : 0;
      start++;
      end -= padding;
    }
    this.dependsOnItself = false;
    if ((flags & frameFlag.priority) !== 0) {
      if (start + 5 <= end) this.dependsOnItself = read31Bits(payload, start) === streamId;
      start += 5;
    }
    if (start > end) {
      throw new Http2ConnectionError(http2ErrorCode.protocolError, 'a HEADERS frame is shorter than its padding');
    }
    this.endStream = (flags & frameFlag.endStream) !== 0;
    if ((flags & frameFlag.endHeaders) !== 0) {
      this.block = payload;
      this.start = start;
      this.end = end;
      return true;
    }
    this.streamId = streamId;
    this.#length = 0;
    this.#continuations = 0;
    this.#append(payload, start, end);
    return false;
  }

  /** Takes a CONTINUATION frame's payload; true when the block is complete. */
  onContinuation(flags: number, payload: Buffer, start: number, end: number): boolean {
    this.#continuations++;
    if (this.#continuations > this.#limits.maxContinuations) {
      throw new Http2ConnectionError(http2ErrorCode.enhanceYourCalm, 'a header block has too many CONTINUATION frames');
    }
    this.#append(payload, start, end);
    if ((flags & frameFlag.endHeaders) === 0) return false;
    this.streamId = 0;
    this.block = this.#gathered;
    this.start = 0;
    this.end = this.#length;
    this.#gathered = nothing;
    return true;
  }

  #append(payload: Buffer, start: number, end: number): void {
    const length = this.#length + end - start;
    if (length > this.#limits.maxHeaderBlockBytes) throw tooLarge();
    if (length > this.#gathered.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(length, 2 * this.#gathered.length));
      this.#gathered.copy(larger, 0, 0, this.#length);
      this.#gathered = larger;
    }
    payload.copy(this.#gathered, this.#length, start, end);
    this.#length = length;
  }
}

/** The block cannot be passed over without losing the compression state: the connection ends (section 10.5.1). */
export function tooLarge(): Http2ConnectionError {
  return new Http2ConnectionError(http2ErrorCode.enhanceYourCalm, 'a header block is larger than the limit');
}

const nothing = Buffer.alloc(0);
