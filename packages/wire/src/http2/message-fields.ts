import { equalsBytes, equalsIgnoreCase, type RequestHead } from '@tulle/core';
import { HeaderScratch } from '../hpack/index.ts';
import { targetBytes } from '../http1/characters.ts';
import { isAuthority } from '../http1/host.ts';

/**
 * A decoded and checked header list. Pseudo-header fields are in it like all others, always first; their indexes are
 * beside it. Nothing in it breaks RFC 9113 section 8.2 and 8.3, whatever the peer sent.
 */
export class Http2Headers extends HeaderScratch {
  /** The index of the field, or -1. */
  method = -1;
  scheme = -1;
  authority = -1;
  path = -1;
  /** `:protocol` of an extended CONNECT (RFC 8441), or -1. */
  protocol = -1;
  /** A response's status; 0 in requests and trailers. */
  status = 0;
  /** The value of content-length, or -1. */
  contentLength = -1;
  /** Whether the method is CONNECT, HEAD. */
  isConnect = false;
  isHead = false;
  #host = -1;

  override reset(): void {
    super.reset();
    this.method = -1;
    this.scheme = -1;
    this.authority = -1;
    this.path = -1;
    this.protocol = -1;
    this.status = 0;
    this.contentLength = -1;
    this.isConnect = false;
    this.isHead = false;
    this.#host = -1;
  }

  /** Whether the value of field `index` is exactly `wanted`. */
  valueEquals(index: number, wanted: Uint8Array): boolean {
    return equalsBytes(this.buffer, this.valueStart(index), this.valueEnd(index), wanted);
  }

  valueStart(index: number): number {
    return this.ranges[index * 4 + 2] as number;
  }

  valueEnd(index: number): number {
    return this.ranges[index * 4 + 3] as number;
  }

  /** Field `index`'s value as a string of bytes (latin1); `''` for -1. */
  valueText(index: number): string {
    return index < 0 ? '' : this.buffer.toString('latin1', this.valueStart(index), this.valueEnd(index));
  }

  /** Checks a request (sections 8.3.1, 8.5; RFC 8441 section 4); gives what is wrong with it, or undefined. */
  checkRequest(extendedConnect: boolean): string | undefined {
    const wrong = this.#checkFields('request');
    if (wrong !== undefined) return wrong;
    if (this.method < 0) return 'no :method';
    if (!this.#valueIs(this.method, tokenByte)) return ':method is no token';
    this.isConnect = this.valueEquals(this.method, connectMethod);
    this.isHead = this.valueEquals(this.method, headMethod);
    if (this.authority >= 0 && !this.#isAuthority(this.authority)) return ':authority is not valid';
    if (this.isConnect && this.protocol < 0) {
      if (this.scheme >= 0 || this.path >= 0) return 'CONNECT with :scheme or :path';
      return this.authority < 0 ? 'CONNECT without :authority' : undefined;
    }
    if (this.protocol >= 0) {
      if (!this.isConnect) return ':protocol without CONNECT';
      if (!extendedConnect) return ':protocol, which was not offered';
      if (this.authority < 0) return 'extended CONNECT without :authority';
      if (!this.#valueIs(this.protocol, tokenByte)) return ':protocol is no token';
    }
    if (this.scheme < 0 || !this.#valueIs(this.scheme, schemeByte)) return 'no :scheme, or one that is not valid';
    return this.#checkPath() ?? this.#checkHost();
  }

  /** Checks a response (section 8.3.2). */
  checkResponse(): string | undefined {
    return this.#checkFields('response') ?? (this.status === 0 ? 'no :status' : undefined);
  }

  /** Checks trailers (section 8.1): no pseudo-header fields. */
  checkTrailers(): string | undefined {
    return this.#checkFields('trailers');
  }

  #checkFields(kind: MessageKind): string | undefined {
    const { buffer, ranges } = this;
    let regularSeen = false;
    for (let i = 0; i < this.count; i++) {
      const start = ranges[i * 4] as number;
      const end = ranges[i * 4 + 1] as number;
      const valueEnd = ranges[i * 4 + 3] as number;
      if (!isFieldValue(buffer, end, valueEnd)) return 'a field value has forbidden bytes';
      if (start === end) return 'an empty field name';
      if (buffer[start] === colon) {
        if (regularSeen) return 'a pseudo-header field after other fields';
        const wrong = this.#takePseudo(i, kind);
        if (wrong !== undefined) return wrong;
      } else {
        regularSeen = true;
        for (let at = start; at < end; at++) {
          if (nameByte[buffer[at] as number] === 0) return 'a field name has forbidden bytes';
        }
        const wrong = this.#takeRegular(i, start, end);
        if (wrong !== undefined) return wrong;
      }
    }
    return undefined;
  }

  #takePseudo(index: number, kind: MessageKind): string | undefined {
    const { buffer, ranges } = this;
    const start = ranges[index * 4] as number;
    const end = ranges[index * 4 + 1] as number;
    if (kind === 'response') {
      if (!equalsBytes(buffer, start, end, statusName)) return 'an unknown pseudo-header field';
      if (this.status !== 0) return ':status twice';
      this.status = this.#parseStatus(index);
      return this.status === 0 ? ':status is not valid' : undefined;
    }
    if (kind === 'trailers') return 'a pseudo-header field in trailers';
    if (equalsBytes(buffer, start, end, methodName)) {
      if (this.method >= 0) return ':method twice';
      this.method = index;
    } else if (equalsBytes(buffer, start, end, pathName)) {
      if (this.path >= 0) return ':path twice';
      this.path = index;
    } else if (equalsBytes(buffer, start, end, schemeName)) {
      if (this.scheme >= 0) return ':scheme twice';
      this.scheme = index;
    } else if (equalsBytes(buffer, start, end, authorityName)) {
      if (this.authority >= 0) return ':authority twice';
      this.authority = index;
    } else if (equalsBytes(buffer, start, end, protocolName)) {
      if (this.protocol >= 0) return ':protocol twice';
      this.protocol = index;
    } else return 'an unknown pseudo-header field';
    return undefined;
  }

  /** Section 8.2.2: nothing that belongs to a connection; section 8.1.1: one content-length. */
  #takeRegular(index: number, start: number, end: number): string | undefined {
    const { buffer } = this;
    switch (end - start) {
      case 2:
        if (equalsBytes(buffer, start, end, teName) && !this.valueEquals(index, trailersValue)) {
          return 'te other than trailers';
        }
        return undefined;
      case 4:
        if (equalsBytes(buffer, start, end, hostName)) {
          if (this.#host >= 0) return 'host twice';
          this.#host = index;
        }
        return undefined;
      case 14:
        return equalsBytes(buffer, start, end, contentLengthName) ? this.#takeContentLength(index) : undefined;
      case 7:
      case 10:
      case 16:
      case 17:
        for (const name of connectionNames) {
          if (equalsBytes(buffer, start, end, name)) return 'a field that belongs to a connection';
        }
        return undefined;
      default:
        return undefined;
    }
  }

  #takeContentLength(index: number): string | undefined {
    const start = this.valueStart(index);
    const end = this.valueEnd(index);
    // 15 digits stay exact in a double and are more than any body has.
    if (start === end || end - start > 15) return 'content-length is not valid';
    let value = 0;
    for (let at = start; at < end; at++) {
      const digit = (this.buffer[at] as number) - 48;
      if (digit < 0 || digit > 9) return 'content-length is not valid';
      value = value * 10 + digit;
    }
    if (this.contentLength >= 0) return 'content-length twice';
    this.contentLength = value;
    return undefined;
  }

  /** Three digits from 100 on; 101 does not exist in HTTP/2 (section 8.6). Gives 0 for anything else. */
  #parseStatus(index: number): number {
    const start = this.valueStart(index);
    if (this.valueEnd(index) - start !== 3) return 0;
    let status = 0;
    for (let at = start; at < start + 3; at++) {
      const digit = (this.buffer[at] as number) - 48;
      if (digit < 0 || digit > 9) return 0;
      status = status * 10 + digit;
    }
    return status < 100 || status === 101 ? 0 : status;
  }

  #checkPath(): string | undefined {
    if (this.path < 0) return 'no :path';
    const start = this.valueStart(this.path);
    const end = this.valueEnd(this.path);
    if (start === end) return 'an empty :path';
    for (let at = start; at < end; at++) {
      if (targetBytes[this.buffer[at] as number] === 0) return ':path has forbidden bytes';
    }
    if (this.buffer[start] === slash) return undefined;
    const isAsterisk = this.valueEquals(this.path, asterisk) && this.valueEquals(this.method, optionsMethod);
    return isAsterisk ? undefined : ':path does not begin with /';
  }

  /** Section 8.3.1: a Host that differs from :authority makes the request malformed. */
  #checkHost(): string | undefined {
    if (this.#host < 0) return undefined;
    if (!this.#isAuthority(this.#host)) return 'host is not valid';
    if (this.authority < 0) return undefined;
    const authority = this.buffer.subarray(this.valueStart(this.authority), this.valueEnd(this.authority));
    const lower = Buffer.from(authority.toString('latin1').toLowerCase(), 'latin1');
    return equalsIgnoreCase(this.buffer, this.valueStart(this.#host), this.valueEnd(this.#host), lower)
      ? undefined
      : 'host differs from :authority';
  }

  /** The index of the host field, or -1. */
  get host(): number {
    return this.#host;
  }

  /** Section 8.3.1: a host and perhaps a port, as in HTTP/1.1, where the request may be going. */
  #isAuthority(index: number): boolean {
    return isAuthority(this.buffer, this.valueStart(index), this.valueEnd(index));
  }

  /** Whether the value is not empty and has only bytes of a class. */
  #valueIs(index: number, allowed: Uint8Array): boolean {
    const end = this.valueEnd(index);
    const start = this.valueStart(index);
    for (let at = start; at < end; at++) if (allowed[this.buffer[at] as number] === 0) return false;
    return start < end;
  }
}

/** A request's head for routing, read from {@link Http2Headers} and valid as long as those. */
export class Http2RequestHead implements RequestHead {
  headers: Http2Headers;
  methodStart = 0;
  methodEnd = 0;
  pathStart = 0;
  pathEnd = 0;
  queryStart = -1;
  queryEnd = -1;
  authorityStart = 0;
  authorityEnd = 0;

  constructor(headers: Http2Headers) {
    this.headers = headers;
    this.read(headers);
  }

  /** Takes the ranges of a checked request; to be called again for each. */
  read(headers: Http2Headers): void {
    this.headers = headers;
    this.methodStart = headers.valueStart(headers.method);
    this.methodEnd = headers.valueEnd(headers.method);
    const authority = headers.authority >= 0 ? headers.authority : headers.host;
    this.authorityStart = authority < 0 ? 0 : headers.valueStart(authority);
    this.authorityEnd = authority < 0 ? 0 : headers.valueEnd(authority);
    this.pathStart = 0;
    this.pathEnd = 0;
    this.queryStart = -1;
    this.queryEnd = -1;
    if (headers.path < 0) return;
    const start = headers.valueStart(headers.path);
    const end = headers.valueEnd(headers.path);
    this.pathStart = start;
    this.pathEnd = start;
    if (headers.buffer[start] !== slash) return;
    let at = start;
    while (at < end && headers.buffer[at] !== questionMark) at++;
    this.pathEnd = at;
    if (at < end) {
      this.queryStart = at + 1;
      this.queryEnd = end;
    }
  }
}

type MessageKind = 'request' | 'response' | 'trailers';

const colon = 58;
const slash = 47;
const questionMark = 63;

const ascii = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const methodName = ascii(':method');
const schemeName = ascii(':scheme');
const authorityName = ascii(':authority');
const pathName = ascii(':path');
const protocolName = ascii(':protocol');
const statusName = ascii(':status');
const hostName = ascii('host');
const contentLengthName = ascii('content-length');
const teName = ascii('te');
const trailersValue = ascii('trailers');
const connectMethod = ascii('CONNECT');
const headMethod = ascii('HEAD');
const optionsMethod = ascii('OPTIONS');
const asterisk = ascii('*');
const connectionNames = ['connection', 'proxy-connection', 'keep-alive', 'transfer-encoding', 'upgrade'].map(ascii);

function byteClass(allows: (byte: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (allows(byte) ? 1 : 0));
}
const isDigit = (byte: number): boolean => byte >= 48 && byte <= 57;
const isLower = (byte: number): boolean => byte >= 97 && byte <= 122;
const isLetter = (byte: number): boolean => isLower(byte | 32);
const oneOf = (text: string): ((byte: number) => boolean) => {
  const bytes = new Set(ascii(text));
  return (byte) => bytes.has(byte);
};
const tokenPunctuation = oneOf("!#$%&'*+-.^_`|~");
const schemePunctuation = oneOf('+-.');

/** RFC 9110 section 5.6.2, in lower case only (section 8.2.1). */
const nameByte = byteClass((byte) => isLower(byte) || isDigit(byte) || tokenPunctuation(byte));
const tokenByte = byteClass((byte) => isLetter(byte) || isDigit(byte) || tokenPunctuation(byte));
const schemeByte = byteClass((byte) => isLetter(byte) || isDigit(byte) || schemePunctuation(byte));
/** RFC 9110 section 5.5: visible, space, tab and 128 to 255. */
const valueByte = byteClass((byte) => (byte >= 32 && byte !== 127) || byte === 9);

/** Section 8.2.1; no space or tab at either end. */
function isFieldValue(buffer: Uint8Array, start: number, end: number): boolean {
  if (start === end) return true;
  for (let at = start; at < end; at++) if (valueByte[buffer[at] as number] === 0) return false;
  const first = buffer[start] as number;
  const last = buffer[end - 1] as number;
  return first !== 32 && first !== 9 && last !== 32 && last !== 9;
}
