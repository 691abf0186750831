import type { HeaderBlock } from '@tulle/core';
import { equalsIgnoreCase } from '@tulle/core';
import { ascii } from './characters.ts';

/** The fields that the codec itself acts on, as a small number beside each field; 0 is any other field. */
export const fieldKind = {
  other: 0,
  host: 1,
  contentLength: 2,
  transferEncoding: 3,
  connection: 4,
  upgrade: 5,
  te: 6,
  expect: 7,
  keepAlive: 8,
  proxyConnection: 9,
  http2Settings: 10,
} as const;

/** Set in `flags` of a field that belongs to one hop only (RFC 9110 7.6.1): the writers leave it out. */
export const hopByHopFlag = 1;

const HOST = ascii('host');
const CONTENT_LENGTH = ascii('content-length');
const TRANSFER_ENCODING = ascii('transfer-encoding');
const CONNECTION = ascii('connection');
const UPGRADE = ascii('upgrade');
const TE = ascii('te');
const EXPECT = ascii('expect');
const KEEP_ALIVE = ascii('keep-alive');
const PROXY_CONNECTION = ascii('proxy-connection');
const HTTP2_SETTINGS = ascii('http2-settings');

/** The kind of the field whose name is `buffer[start..end)`. */
export function kindOfName(buffer: Uint8Array, start: number, end: number): number {
  switch (end - start) {
    case 2:
      return equalsIgnoreCase(buffer, start, end, TE) ? fieldKind.te : 0;
    case 4:
      return equalsIgnoreCase(buffer, start, end, HOST) ? fieldKind.host : 0;
    case 6:
      return equalsIgnoreCase(buffer, start, end, EXPECT) ? fieldKind.expect : 0;
    case 7:
      return equalsIgnoreCase(buffer, start, end, UPGRADE) ? fieldKind.upgrade : 0;
    case 10:
      if (equalsIgnoreCase(buffer, start, end, CONNECTION)) return fieldKind.connection;
      return equalsIgnoreCase(buffer, start, end, KEEP_ALIVE) ? fieldKind.keepAlive : 0;
    case 14:
      if (equalsIgnoreCase(buffer, start, end, CONTENT_LENGTH)) return fieldKind.contentLength;
      return equalsIgnoreCase(buffer, start, end, HTTP2_SETTINGS) ? fieldKind.http2Settings : 0;
    case 16:
      return equalsIgnoreCase(buffer, start, end, PROXY_CONNECTION) ? fieldKind.proxyConnection : 0;
    case 17:
      return equalsIgnoreCase(buffer, start, end, TRANSFER_ENCODING) ? fieldKind.transferEncoding : 0;
    default:
      return 0;
  }
}

const HOP_BY_HOP_KINDS =
  (1 << fieldKind.connection) |
  (1 << fieldKind.upgrade) |
  (1 << fieldKind.te) |
  (1 << fieldKind.keepAlive) |
  (1 << fieldKind.proxyConnection) |
  (1 << fieldKind.http2Settings);

/** The buffer of a block that holds nothing. */
export const noBytes: Buffer = Buffer.alloc(0);

/**
 * The fields of one head or trailer section, reused from message to message.
 *
 * Transfer-Encoding is not flagged as hop-by-hop although it is: it is exactly `chunked` where it was accepted, and
 * bodies are forwarded with their framing.
 */
export class FieldBlock implements HeaderBlock {
  buffer: Uint8Array = noBytes;
  count = 0;
  readonly ranges: Int32Array;
  /** A {@link fieldKind} for each field. */
  readonly kinds: Uint8Array;
  /** {@link hopByHopFlag} or 0 for each field. */
  readonly flags: Uint8Array;
  /** A bit `1 << kind` for each kind that occurs. */
  seen = 0;
  /** A bit `1 << kind` for each kind that occurs more than once. */
  repeated = 0;
  readonly #first = new Uint16Array(16);

  constructor(maxFields: number) {
    this.ranges = new Int32Array(maxFields * 4);
    this.kinds = new Uint8Array(maxFields);
    this.flags = new Uint8Array(maxFields);
  }

  /** Forgets the fields, and the buffer with them. */
  clear(): void {
    this.buffer = noBytes;
    this.count = 0;
    this.seen = 0;
    this.repeated = 0;
  }

  /** Records the kind of field `index`, which was found just now. */
  note(index: number, kind: number): void {
    const bit = 1 << kind;
    this.kinds[index] = kind;
    this.flags[index] = (HOP_BY_HOP_KINDS & bit) === 0 ? 0 : hopByHopFlag;
    if ((this.seen & bit) === 0) {
      this.seen |= bit;
      this.#first[kind] = index;
    } else this.repeated |= bit;
  }

  has(kind: number): boolean {
    return (this.seen & (1 << kind)) !== 0;
  }

  isRepeated(kind: number): boolean {
    return (this.repeated & (1 << kind)) !== 0;
  }

  /** The index of the first field of a kind that {@link has} says is there. */
  indexOf(kind: number): number {
    return this.#first[kind] as number;
  }

  valueStart(index: number): number {
    return this.ranges[index * 4 + 2] as number;
  }

  valueEnd(index: number): number {
    return this.ranges[index * 4 + 3] as number;
  }

  /** Moves every range, after the bytes were moved to another buffer. */
  shift(by: number): void {
    const { ranges } = this;
    for (let i = this.count * 4 - 1; i >= 0; i--) ranges[i] = (ranges[i] as number) + by;
  }
}
