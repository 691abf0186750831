import { CR, HTAB, LF, SPACE, valueBytes } from './characters.ts';
import type { Http1Rule } from './failure.ts';
import type { FieldBlock } from './field-block.ts';
import type { StartLine } from './start-line.ts';
import { INCOMPLETE, REFUSED } from './start-line.ts';
import { VERSION_BYTES, versionMinorAt } from './version.ts';

const ZERO = 48;

/** The head of a response. Offsets are into `headers.buffer`; ends are exclusive. */
export class Http1ResponseHead implements StartLine {
  readonly headers: FieldBlock;
  refusedBy: Http1Rule = 'bare-lf';
  /** 100 to 999. */
  status = 0;
  statusStart = 0;
  /** The reason phrase; may be empty. */
  reasonStart = 0;
  reasonEnd = 0;
  versionMinor: 0 | 1 = 1;
  /** A 1xx head other than 101: it has no body, and after `next()` another head follows for the same request. */
  interim = false;
  bodyKind: 'none' | 'length' | 'chunked' | 'until-close' = 'none';
  /** What Content-Length says, also where there is no body (HEAD, 304); -1 where it says nothing. */
  contentLength = -1;
  /** Whether the server lets this connection be used for another request (RFC 9112 9.3). */
  keepAlive = true;
  /** Whether the connection speaks another protocol from the end of this head on (101). */
  upgrade = false;
  /** The value of the Upgrade field of a 101 or 426; start equals end where there is none. */
  upgradeStart = 0;
  upgradeEnd = 0;
  /** Where the empty line begins that ends the head. */
  fieldsEnd = 0;

  constructor(headers: FieldBlock) {
    this.headers = headers;
  }

  shift(by: number): void {
    this.statusStart += by;
    this.reasonStart += by;
    this.reasonEnd += by;
    this.upgradeStart += by;
    this.upgradeEnd += by;
    this.fieldsEnd += by;
  }

  /** Reads the status line (RFC 9112 4). The space before an empty reason may be missing: servers do that. */
  parse(buffer: Uint8Array, start: number, end: number): number {
    const minor = versionMinorAt(buffer, start, end);
    if (minor === INCOMPLETE) return INCOMPLETE;
    if (minor < 0) return this.#refuse(minor === REFUSED ? 'status-syntax' : 'version-unsupported');
    const space = start + VERSION_BYTES;
    let status = 0;
    for (let at = space; at < space + 4; at++) {
      if (at >= end) return INCOMPLETE;
      const byte = buffer[at] as number;
      if (at === space ? byte !== SPACE : byte < ZERO || byte > ZERO + 9) return this.#refuse('status-syntax');
      if (at > space) status = status * 10 + byte - ZERO;
    }
    if (status < 100) return this.#refuse('status-syntax');
    this.versionMinor = minor === 1 ? 1 : 0;
    this.status = status;
    this.statusStart = space + 1;
    return this.#parseReason(buffer, space + 4, end);
  }

  #parseReason(buffer: Uint8Array, start: number, end: number): number {
    let at = start;
    if (at === end) return INCOMPLETE;
    if (buffer[at] === SPACE) at++;
    else if (buffer[at] === HTAB || (buffer[at] !== CR && buffer[at] !== LF)) return this.#refuse('status-syntax');
    this.reasonStart = at;
    while (at < end && valueBytes[buffer[at] as number] !== 0) at++;
    if (at === end) return INCOMPLETE;
    this.reasonEnd = at;
    if (buffer[at] !== CR) return this.#refuse(buffer[at] === LF ? 'bare-lf' : 'status-syntax');
    if (at + 1 === end) return INCOMPLETE;
    return buffer[at + 1] === LF ? at + 2 : this.#refuse('bare-cr');
  }

  #refuse(rule: Http1Rule): number {
    this.refusedBy = rule;
    return REFUSED;
  }
}
