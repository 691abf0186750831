import type { RequestHead } from '@tulle/core';
import { equalsIgnoreCase } from '@tulle/core';
import { ASTERISK, CR, LF, SLASH, SPACE, targetBytes, tokenBytes, ascii } from './characters.ts';
import type { Http1Rule } from './failure.ts';
import type { FieldBlock } from './field-block.ts';
import { isAuthority } from './host.ts';
import { codeOfMethod, MAX_METHOD_BYTES, methodCode } from './method.ts';
import type { StartLine } from './start-line.ts';
import { INCOMPLETE, REFUSED } from './start-line.ts';
import { versionMinorAt, VERSION_BYTES } from './version.ts';

const HTTP_SCHEME = ascii('http://');
const QUESTION_MARK_CLASS = 2;

/** The head of a request. Offsets are into `headers.buffer`; ends are exclusive. */
export class Http1RequestHead implements RequestHead, StartLine {
  readonly headers: FieldBlock;
  refusedBy: Http1Rule = 'bare-lf';
  /** A {@link methodCode}. */
  method = 0;
  methodStart = 0;
  methodEnd = 0;
  /** `absolute` targets have a scheme and an authority before the path (RFC 9112 3.2); `asterisk` is `*`. */
  targetForm: 'origin' | 'absolute' | 'asterisk' = 'origin';
  targetStart = 0;
  targetEnd = 0;
  /** For an absolute form without a path this is `/`, as it must be sent on; for `OPTIONS *` it is empty. */
  pathStart = 0;
  pathEnd = 0;
  queryStart = -1;
  queryEnd = -1;
  authorityStart = 0;
  authorityEnd = 0;
  versionMinor: 0 | 1 = 1;
  /** Whether a Host field is there. HTTP/1.0 requests may come without. */
  hasHost = false;
  bodyKind: 'none' | 'length' | 'chunked' = 'none';
  /** The body's length where `bodyKind` is 'length', else -1. */
  contentLength = -1;
  /** Whether the client wants to send another request on this connection (RFC 9112 9.3). */
  keepAlive = true;
  /** Whether the client waits for 100 before it sends the body (RFC 9110 10.1.1). */
  expectContinue = false;
  /**
   * Whether the client asks for another protocol (RFC 9110 7.8): Connection names Upgrade, there is one Upgrade field,
   * there is no body, and the protocol is not `h2c`, which is no longer (RFC 9113 3.1). Else the field is ignored.
   */
  upgrade = false;
  /** The value of the Upgrade field where `upgrade` is true. */
  upgradeStart = 0;
  upgradeEnd = 0;
  /** Whether the client accepts trailers (`TE: trailers`). */
  acceptsTrailers = false;
  /** Where the empty line begins that ends the head. */
  fieldsEnd = 0;

  constructor(headers: FieldBlock) {
    this.headers = headers;
  }

  shift(by: number): void {
    this.methodStart += by;
    this.methodEnd += by;
    this.targetStart += by;
    this.targetEnd += by;
    this.pathStart += by;
    this.pathEnd += by;
    if (this.queryStart >= 0) {
      this.queryStart += by;
      this.queryEnd += by;
    }
    this.authorityStart += by;
    this.authorityEnd += by;
    this.upgradeStart += by;
    this.upgradeEnd += by;
    this.fieldsEnd += by;
  }

  /** Reads the request line (RFC 9112 3). */
  parse(buffer: Uint8Array, start: number, end: number): number {
    let at = start;
    const methodLimit = Math.min(end, start + MAX_METHOD_BYTES + 1);
    while (at < methodLimit && tokenBytes[buffer[at] as number] !== 0) at++;
    if (at === methodLimit)
      return at === end && at - start <= MAX_METHOD_BYTES ? INCOMPLETE : this.#refuse('method-syntax');
    if (at === start || buffer[at] !== SPACE) return this.#refuse('method-syntax');
    this.methodStart = start;
    this.methodEnd = at;
    this.method = codeOfMethod(buffer, start, at);
    if (this.method === methodCode.CONNECT) return this.#refuse('connect-refused');
    at++;
    const targetStart = at;
    let query = -1;
    for (; at < end; at++) {
      const kind = targetBytes[buffer[at] as number];
      if (kind === 0) break;
      if (kind === QUESTION_MARK_CLASS && query < 0) query = at;
    }
    if (at === end) return INCOMPLETE;
    if (buffer[at] !== SPACE) {
      const isLineEnd = buffer[at] === CR || buffer[at] === LF;
      return this.#refuse(isLineEnd ? 'version-syntax' : 'target-character');
    }
    const targetEnd = at;
    this.targetStart = targetStart;
    this.targetEnd = targetEnd;
    this.queryStart = query < 0 ? -1 : query + 1;
    this.queryEnd = query < 0 ? -1 : targetEnd;
    if (!this.#parseTarget(buffer, targetStart, query < 0 ? targetEnd : query)) return REFUSED;
    return this.#parseVersion(buffer, at + 1, end);
  }

  #parseTarget(buffer: Uint8Array, start: number, end: number): boolean {
    this.authorityStart = start;
    this.authorityEnd = start;
    this.pathStart = start;
    this.pathEnd = end;
    if (buffer[start] === SLASH) {
      this.targetForm = 'origin';
      return true;
    }
    if (buffer[start] === ASTERISK) {
      this.targetForm = 'asterisk';
      this.pathEnd = start;
      if (this.method === methodCode.OPTIONS && this.targetEnd === start + 1) return true;
      this.refusedBy = 'target-syntax';
      return false;
    }
    return this.#parseAbsolute(buffer, start, end);
  }

  /** `http://authority[/path]`, `end` being where the path ends (RFC 9112 3.2.2). */
  #parseAbsolute(buffer: Uint8Array, start: number, end: number): boolean {
    this.targetForm = 'absolute';
    const authorityStart = start + HTTP_SCHEME.length;
    this.refusedBy = 'target-syntax';
    if (authorityStart >= end || !equalsIgnoreCase(buffer, start, authorityStart, HTTP_SCHEME)) return false;
    let at = authorityStart;
    while (at < end && buffer[at] !== SLASH) at++;
    if (at === authorityStart || !isAuthority(buffer, authorityStart, at)) return false;
    this.authorityStart = authorityStart;
    this.authorityEnd = at;
    if (at < end) {
      this.pathStart = at;
      return true;
    }
    // Without a path the target means `/`, but for OPTIONS it means `*` (RFC 9112 3.2.4). The scheme has a slash.
    this.pathStart = authorityStart - 1;
    this.pathEnd = this.method === methodCode.OPTIONS && this.queryStart < 0 ? this.pathStart : authorityStart;
    return true;
  }

  #parseVersion(buffer: Uint8Array, start: number, end: number): number {
    const lineEnd = start + VERSION_BYTES;
    const minor = versionMinorAt(buffer, start, end);
    if (minor < 0) {
      if (minor === INCOMPLETE) return INCOMPLETE;
      return this.#refuse(minor === REFUSED ? 'version-syntax' : 'version-unsupported');
    }
    if (lineEnd === end) return INCOMPLETE;
    if (buffer[lineEnd] !== CR) return this.#refuse(buffer[lineEnd] === LF ? 'bare-lf' : 'version-syntax');
    if (lineEnd + 1 === end) return INCOMPLETE;
    if (buffer[lineEnd + 1] !== LF) return this.#refuse('bare-cr');
    this.versionMinor = minor === 1 ? 1 : 0;
    return lineEnd + 2;
  }

  #refuse(rule: Http1Rule): number {
    this.refusedBy = rule;
    return REFUSED;
  }
}
