import { equalsBytes, equalsIgnoreCase, findHeader } from '@tulle/core';
import type { HeaderBlock, RequestHead } from '@tulle/core';
import { hashByte, hashBytes, hashStart, textOf } from './bytes.ts';

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
  /** The slots of the header names that the request has; {@link findAll} says how many. */
  present = new Int32Array(0);
  private readonly names: Uint8Array[] = [];
  private readonly byHash = new Map<number, number[]>();
  private readonly isHost: boolean[] = [];
  private readonly isCookie: boolean[] = [];
  private fields = new Int32Array(0);
  private repeated = new Uint8Array(0);
  private stamps = new Int32Array(0);
  /** Like `stamps`, of {@link findAll}. */
  private isFound = new Int32Array(0);
  private stamp = 0;
  private presentCount = -1;

  /** The slot of `lowerName`, made if it is new; only while the table is compiled. */
  slotOf(lowerName: Uint8Array): number {
    const known = this.names.findIndex((name) => isSame(name, lowerName));
    if (known >= 0) return known;
    this.isHost.push(isSame(lowerName, hostName));
    this.isCookie.push(isSame(lowerName, cookieName));
    this.fields = new Int32Array(this.names.length + 1);
    this.repeated = new Uint8Array(this.names.length + 1);
    this.stamps = new Int32Array(this.names.length + 1);
    this.isFound = new Int32Array(this.names.length + 1);
    this.present = new Int32Array(this.names.length + 1);
    const hash = hashBytes(lowerName);
    const slot = this.names.push(lowerName) - 1;
    this.byHash.set(hash, [...(this.byHash.get(hash) ?? []), slot]);
    return slot;
  }

  /** Forgets what was looked up for the request before. */
  begin(): void {
    this.presentCount = -1;
    this.stamp = (this.stamp + 1) | 0;
    if (this.stamp === 0) {
      this.isFound.fill(0);
      this.stamps.fill(0);
      this.stamp = 1;
    }
  }

  /** Finds all slots that the request has in one pass over its fields, once a request; gives their number. */
  findAll(head: RequestHead): number {
    if (this.presentCount >= 0) return this.presentCount;
    const { headers, authorityStart, authorityEnd } = head;
    const { buffer, count, ranges } = headers;
    this.presentCount = 0;
    const host = authorityStart === authorityEnd ? -1 : this.isHost.indexOf(true);
    if (host >= 0) this.found(host, -1);
    for (let field = 0; field < count; field++) {
      const start = ranges[field * 4] as number;
      const end = ranges[field * 4 + 1] as number;
      let hash = hashStart;
      for (let at = start; at < end; at++) {
        const byte = buffer[at] as number;
        hash = hashByte(hash, byte >= 65 && byte <= 90 ? byte | 32 : byte);
      }
      const slots = this.byHash.get(hash);
      if (slots === undefined) continue;
      for (let i = 0; i < slots.length; i++) {
        const slot = slots[i] as number;
        if (this.isHost[slot] === true || !equalsIgnoreCase(buffer, start, end, this.names[slot] as Uint8Array))
          continue;
        if (this.isFound[slot] === this.stamp) this.repeated[slot] = 1;
        else this.found(slot, field);
      }
    }
    return this.presentCount;
  }

  private found(slot: number, field: number): void {
    this.isFound[slot] = this.stamp;
    this.stamps[slot] = this.stamp;
    this.fields[slot] = field;
    this.repeated[slot] = 0;
    this.present[this.presentCount++] = slot;
  }

  /** Whether the request has several lines of a slot that {@link findAll} found. */
  isRepeated(slot: number): boolean {
    return this.repeated[slot] === 1;
  }

  /** The hash of the value of a slot that {@link findAll} found and that is not repeated. */
  hashOf({ headers, authorityStart, authorityEnd }: RequestHead, slot: number): number {
    const { buffer, ranges } = headers;
    const at = (this.fields[slot] as number) * 4;
    const end = at < 0 ? authorityEnd : (ranges[at + 3] as number);
    let hash = hashStart;
    for (let i = at < 0 ? authorityStart : (ranges[at + 2] as number); i < end; i++) {
      hash = hashByte(hash, buffer[i] as number);
    }
    return hash;
  }

  private firstField(headers: HeaderBlock, slot: number): number {
    if (this.stamps[slot] === this.stamp) return this.fields[slot] as number;
    if (this.presentCount >= 0) return -1;
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
