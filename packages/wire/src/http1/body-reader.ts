import { CR, hexValues, HTAB, LF, tokenBytes } from './characters.ts';
import type { Http1Rule } from './failure.ts';
import { FieldBlock } from './field-block.ts';
import type { Http1Limits } from './limits.ts';
import { SectionReader } from './section-reader.ts';
import { hasForbiddenTrailer } from './trailers.ts';

/** Takes the payload of bodies, without framing, as it passes through a reader. */
export interface Http1PayloadSink {
  /** `buffer[start..end)` is payload; the bytes belong to the chunk that is being read. Never called with no bytes. */
  onPayload(buffer: Uint8Array, start: number, end: number): void;
}

/** Where in a body the reader is. Names say what comes next. */
const at = {
  lengthData: 0,
  untilClose: 1,
  firstSizeDigit: 2,
  sizeDigit: 3,
  lineFeed: 4,
  extensionName: 5,
  extensionNameMore: 6,
  extensionValue: 7,
  extensionToken: 8,
  quotedText: 9,
  quotedPair: 10,
  afterQuoted: 11,
  chunkData: 12,
  dataCarriageReturn: 13,
  dataLineFeed: 14,
  trailers: 15,
} as const;

const SEMICOLON = 59;
const EQUALS = 61;
const QUOTE = 34;
const BACKSLASH = 92;

/** Finds the end of a body and the payload in it (RFC 9112 6, 7). One for each direction of a connection. */
export class BodyReader {
  outcome: 'reading' | 'complete' | 'refused' = 'complete';
  refusedBy: Http1Rule = 'chunk-size';
  sink: Http1PayloadSink | undefined;
  /** Made with the first chunked body. */
  trailers: SectionReader | undefined;
  readonly #limits: Http1Limits;
  #at: number = at.lengthData;
  /** Bytes of payload that are missing to the body (length) or the chunk; while a size is read, that size. */
  #remaining = 0;
  #lineBytes = 0;
  #extensionBytes = 0;

  constructor(limits: Http1Limits, sink: Http1PayloadSink | undefined) {
    this.#limits = limits;
    this.sink = sink;
  }

  beginLength(length: number): void {
    this.#at = at.lengthData;
    this.#remaining = length;
    this.outcome = length === 0 ? 'complete' : 'reading';
  }

  beginUntilClose(): void {
    this.#at = at.untilClose;
    this.outcome = 'reading';
  }

  beginChunked(): void {
    this.#at = at.firstSizeDigit;
    this.#lineBytes = 0;
    this.#extensionBytes = 0;
    this.outcome = 'reading';
    this.trailers ??= new SectionReader(new FieldBlock(this.#limits.maxTrailers), {
      maxBytes: this.#limits.maxTrailerBytes,
      tooLarge: 'trailer-too-large',
      allowUnderscores: this.#limits.allowUnderscores,
      startLine: undefined,
      maxStartLineBytes: 0,
      maxEmptyLines: 0,
    });
  }

  /** Whether the end of the input ends the body well. */
  get endsAtClose(): boolean {
    return this.#at === at.untilClose;
  }

  /** Takes what of `chunk[start..end)` belongs to the body; gives the offset behind it. */
  read(chunk: Uint8Array, start: number, end: number): number {
    if (this.#at === at.untilClose) {
      if (end > start) this.sink?.onPayload(chunk, start, end);
      return end;
    }
    if (this.#at === at.lengthData) {
      const next = this.#readData(chunk, start, end);
      if (this.#remaining === 0) this.outcome = 'complete';
      return next;
    }
    return this.#readChunked(chunk, start, end);
  }

  #readData(chunk: Uint8Array, start: number, end: number): number {
    const length = Math.min(end - start, this.#remaining);
    if (length > 0) this.sink?.onPayload(chunk, start, start + length);
    this.#remaining -= length;
    return start + length;
  }

  #readChunked(chunk: Uint8Array, start: number, end: number): number {
    let next = start;
    while (next < end) {
      if (this.#at === at.chunkData) {
        next = this.#readData(chunk, next, end);
        if (this.#remaining === 0) this.#at = at.dataCarriageReturn;
      } else if (this.#at === at.trailers) {
        return this.#readTrailers(chunk, next, end);
      } else {
        this.#at = this.#step(chunk[next++] as number);
        if (this.outcome === 'refused') return next;
      }
    }
    return next;
  }

  #readTrailers(chunk: Uint8Array, start: number, end: number): number {
    const { trailers } = this;
    if (trailers === undefined) return start;
    const next = trailers.read(chunk, start, end);
    if (trailers.outcome === 'refused') this.#refuse(trailers.refusedBy);
    else if (trailers.outcome === 'complete') {
      if (trailers.fields.count > 0 && hasForbiddenTrailer(trailers.fields)) this.#refuse('trailer-forbidden');
      else this.outcome = 'complete';
    }
    return next;
  }

  /** Takes one byte of a chunk-size line, or of the line end behind a chunk's data; gives what comes next. */
  #step(byte: number): number {
    switch (this.#at) {
      case at.firstSizeDigit: {
        const digit = hexValues[byte] as number;
        if (digit === 255) return this.#refuse('chunk-size');
        this.#remaining = digit;
        this.#lineBytes = 1;
        return at.sizeDigit;
      }
      case at.sizeDigit: {
        const digit = hexValues[byte] as number;
        if (digit === 255) return this.#lineEndOrExtension(byte, 'chunk-size');
        if (++this.#lineBytes > this.#limits.maxChunkLineBytes) return this.#refuse('chunk-line-too-long');
        this.#remaining = this.#remaining * 16 + digit;
        return this.#remaining > Number.MAX_SAFE_INTEGER ? this.#refuse('chunk-size-too-large') : at.sizeDigit;
      }
      case at.lineFeed:
        if (byte !== LF) return this.#refuse('bare-cr');
        return this.#remaining === 0 ? at.trailers : at.chunkData;
      case at.dataCarriageReturn:
        return byte === CR ? at.dataLineFeed : this.#refuse('chunk-end');
      case at.dataLineFeed:
        return byte === LF ? at.firstSizeDigit : this.#refuse('chunk-end');
      default:
        return this.#stepExtension(byte);
    }
  }

  /** `;name`, `;name=token` or `;name="quoted"`, without whitespace around `;` and `=` (RFC 9112 7.1.1). */
  #stepExtension(byte: number): number {
    this.#extensionBytes++;
    if (++this.#lineBytes > this.#limits.maxChunkLineBytes) return this.#refuse('chunk-line-too-long');
    if (this.#extensionBytes > this.#limits.maxChunkExtensionBytes) return this.#refuse('chunk-line-too-long');
    const isToken = tokenBytes[byte] !== 0;
    switch (this.#at) {
      case at.extensionName:
        return isToken ? at.extensionNameMore : this.#refuse('chunk-extension');
      case at.extensionNameMore:
        if (isToken) return at.extensionNameMore;
        return byte === EQUALS ? at.extensionValue : this.#lineEndOrExtension(byte, 'chunk-extension');
      case at.extensionValue:
        if (byte === QUOTE) return at.quotedText;
        return isToken ? at.extensionToken : this.#refuse('chunk-extension');
      case at.extensionToken:
        return isToken ? at.extensionToken : this.#lineEndOrExtension(byte, 'chunk-extension');
      case at.quotedText:
        if (byte === QUOTE) return at.afterQuoted;
        if (byte === BACKSLASH) return at.quotedPair;
        return isText(byte) ? at.quotedText : this.#refuse('chunk-extension');
      case at.quotedPair:
        return isText(byte) ? at.quotedText : this.#refuse('chunk-extension');
      default:
        return this.#lineEndOrExtension(byte, 'chunk-extension');
    }
  }

  #lineEndOrExtension(byte: number, otherwise: Http1Rule): number {
    if (byte === CR) return at.lineFeed;
    if (byte === SEMICOLON) return at.extensionName;
    return this.#refuse(byte === LF ? 'bare-lf' : otherwise);
  }

  #refuse(rule: Http1Rule): number {
    this.refusedBy = rule;
    this.outcome = 'refused';
    return this.#at;
  }
}

function isText(byte: number): boolean {
  return byte === HTAB || (byte >= 32 && byte !== 127);
}
