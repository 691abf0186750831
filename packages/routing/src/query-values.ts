import type { RequestHead } from '@tulle/core';
import { ByteIndex, decodedByte, decodedText, equalsDecoded, hashByte, hashStart } from './bytes.ts';

/**
 * The query parameters that a table's matches ask for, all found in one pass over the query, and only when a match asks.
 *
 * A query is split at `&` and each part at its first `=`; a part without `=` has an empty value. Names and values are
 * compared with percent-encoding undone; a `+` stays a plus (RFC 3986 gives it no other meaning). Of several
 * parameters with one name the first counts.
 */
export class QuerySlots {
  /** The slots of the parameters that the request has; {@link findAll} says how many. */
  present = new Int32Array(0);
  private presentCount = 0;
  private readonly names = new ByteIndex();
  private starts = new Int32Array(0);
  private ends = new Int32Array(0);
  private parsed = false;

  /** The slot of the parameter `name`, made if it is new; only while the table is compiled. */
  slotOf(name: Uint8Array): number {
    const slot = this.names.add(name);
    this.starts = new Int32Array(this.names.keys.length);
    this.ends = new Int32Array(this.names.keys.length);
    this.present = new Int32Array(this.names.keys.length);
    return slot;
  }

  /** Forgets the request before. */
  begin(): void {
    this.parsed = false;
  }

  /** Whether the request has the parameter of `slot` with exactly the value `wanted`. */
  equals(head: RequestHead, slot: number, wanted: Uint8Array): boolean {
    if (!this.parsed) this.parse(head);
    const start = this.starts[slot] as number;
    return start >= 0 && equalsDecoded(head.headers.buffer, start, this.ends[slot] as number, wanted);
  }

  /** The decoded value of the parameter of `slot`, or undefined when the request has none. */
  text(head: RequestHead, slot: number): string | undefined {
    if (!this.parsed) this.parse(head);
    const start = this.starts[slot] as number;
    return start < 0 ? undefined : decodedText(head.headers.buffer, start, this.ends[slot] as number);
  }

  /** Finds all slots that the request has, once a request; gives their number. */
  findAll(head: RequestHead): number {
    if (!this.parsed) this.parse(head);
    return this.presentCount;
  }

  /** The hash of the decoded value of a slot that {@link findAll} found. */
  hashOf(head: RequestHead, slot: number): number {
    const { buffer } = head.headers;
    const end = this.ends[slot] as number;
    let hash = hashStart;
    for (let at = this.starts[slot] as number; at < end;) {
      const byte = decodedByte(buffer, at, end);
      hash = hashByte(hash, byte & 255);
      at += byte > 255 ? 3 : 1;
    }
    return hash;
  }

  private parse(head: RequestHead): void {
    this.parsed = true;
    this.presentCount = 0;
    this.starts.fill(-1);
    const { queryStart, queryEnd } = head;
    if (queryStart < 0) return;
    const { buffer } = head.headers;
    let partStart = queryStart;
    let nameEnd = -1;
    let hash = hashStart;
    for (let at = queryStart; at <= queryEnd;) {
      const raw = at === queryEnd ? 38 : (buffer[at] as number);
      if (raw === 38) {
        if (at > partStart) this.record(buffer, hash, partStart, nameEnd, at);
        partStart = at + 1;
        nameEnd = -1;
        hash = hashStart;
        at++;
      } else if (nameEnd >= 0) {
        at++;
      } else if (raw === 61) {
        nameEnd = at++;
      } else {
        const byte = decodedByte(buffer, at, queryEnd);
        hash = hashByte(hash, byte & 255);
        at += byte > 255 ? 3 : 1;
      }
    }
  }

  private record(buffer: Uint8Array, hash: number, start: number, nameEndOrNone: number, end: number): void {
    const candidates = this.names.candidates(hash);
    if (candidates === undefined) return;
    const nameEnd = nameEndOrNone < 0 ? end : nameEndOrNone;
    for (let i = 0; i < candidates.length; i++) {
      const slot = candidates[i] as number;
      if ((this.starts[slot] as number) >= 0) continue;
      if (!equalsDecoded(buffer, start, nameEnd, this.names.keys[slot] as Uint8Array)) continue;
      this.starts[slot] = nameEndOrNone < 0 ? end : nameEnd + 1;
      this.ends[slot] = end;
      this.present[this.presentCount++] = slot;
    }
  }
}
