import { equalsBytes, findHeader } from '@tulle/core';
import type { HeaderBlock, RequestHead } from '@tulle/core';
import { textOf } from './bytes.ts';

const hostName = Buffer.from('host');
const cookieName = Buffer.from('cookie');

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return equalsBytes(a, 0, a.length, b);
}

/**
 * The header names that a table's matches ask for. Each is looked up at most once a request, however many matches name
 * it: the answer is kept until {@link HeaderSlots.begin} is called for the next request.
 *
 * Several lines of one name count as one value, joined with a comma (RFC 9110 section 5.3), lines of Cookie with
 * `; ` (RFC 9113 section 8.2.3). `host` means the request's authority, whatever the HTTP version.
 */
export class HeaderSlots {
  private readonly names: Uint8Array[] = [];
  private readonly isHost: boolean[] = [];
  private readonly isCookie: boolean[] = [];
  private fields = new Int32Array(0);
  private repeated = new Uint8Array(0);
  private stamps = new Int32Array(0);
  private stamp = 0;

  /** The slot of `lowerName`, made if it is new; only while the table is compiled. */
  slotOf(lowerName: Uint8Array): number {
    const known = this.names.findIndex((name) => isSame(name, lowerName));
    if (known >= 0) return known;
    this.isHost.push(isSame(lowerName, hostName));
    this.isCookie.push(isSame(lowerName, cookieName));
    this.fields = new Int32Array(this.names.length + 1);
    this.repeated = new Uint8Array(this.names.length + 1);
    this.stamps = new Int32Array(this.names.length + 1);
    return this.names.push(lowerName) - 1;
  }

  /** Forgets what was looked up for the request before. */
  begin(): void {
    this.stamp = (this.stamp + 1) | 0;
    if (this.stamp === 0) {
      this.stamps.fill(0);
      this.stamp = 1;
    }
  }

  private firstField(headers: HeaderBlock, slot: number): number {
    if (this.stamps[slot] === this.stamp) return this.fields[slot] as number;
    const name = this.names[slot] as Uint8Array;
    const field = findHeader(headers, name);
    this.stamps[slot] = this.stamp;
    this.fields[slot] = field;
    this.repeated[slot] = field >= 0 && findHeader(headers, name, field + 1) >= 0 ? 1 : 0;
    return field;
  }

  /** Whether the request has the header of `slot` with exactly the value `wanted`. */
  equals(head: RequestHead, slot: number, wanted: Uint8Array): boolean {
    const { headers } = head;
    if (this.isHost[slot] === true) return equalsBytes(headers.buffer, head.authorityStart, head.authorityEnd, wanted);
    const first = this.firstField(headers, slot);
    if (first < 0) return false;
    const { ranges, buffer } = headers;
    if (this.repeated[slot] === 0) {
      return equalsBytes(buffer, ranges[first * 4 + 2] as number, ranges[first * 4 + 3] as number, wanted);
    }
    return equalsJoined(headers, this.names[slot] as Uint8Array, first, wanted, this.isCookie[slot] === true ? 59 : 44);
  }

  /** The value of the header of `slot`, lines joined, or undefined when the request has none. */
  text(head: RequestHead, slot: number): string | undefined {
    const { headers } = head;
    if (this.isHost[slot] === true) {
      return head.authorityStart === head.authorityEnd
        ? undefined
        : textOf(headers.buffer, head.authorityStart, head.authorityEnd);
    }
    const name = this.names[slot] as Uint8Array;
    let field = this.firstField(headers, slot);
    if (field < 0) return undefined;
    let joined = '';
    const separator = this.isCookie[slot] === true ? '; ' : ', ';
    for (let lines = 0; field >= 0; field = findHeader(headers, name, field + 1), lines++) {
      const value = textOf(
        headers.buffer,
        headers.ranges[field * 4 + 2] as number,
        headers.ranges[field * 4 + 3] as number,
      );
      joined = lines === 0 ? value : joined + separator + value;
    }
    return joined;
  }
}

/** Compares the lines named `name` with `wanted`; where two lines meet it wants `separator` and any spaces. */
function equalsJoined(
  headers: HeaderBlock,
  name: Uint8Array,
  first: number,
  wanted: Uint8Array,
  separator: number,
): boolean {
  const { buffer, ranges } = headers;
  let at = 0;
  for (let field = first, lines = 0; field >= 0; field = findHeader(headers, name, field + 1), lines++) {
    if (lines > 0) {
      if (wanted[at++] !== separator) return false;
      while (wanted[at] === 32 || wanted[at] === 9) at++;
    }
    for (let i = ranges[field * 4 + 2] as number, end = ranges[field * 4 + 3] as number; i < end; i++) {
      if (buffer[i] !== wanted[at++]) return false;
    }
  }
  return at === wanted.length;
}
