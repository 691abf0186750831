import {
  COLON,
  CR,
  HTAB,
  LF,
  SPACE,
  tokenBytes,
  tokenBytesWithoutUnderscore,
  UNDERSCORE,
  valueBytes,
} from './characters.ts';
import type { Http1Rule } from './failure.ts';
import type { FieldBlock } from './field-block.ts';
import { kindOfName, noBytes } from './field-block.ts';
import type { StartLine } from './start-line.ts';
import { REFUSED } from './start-line.ts';

/** What distinguishes a head from a trailer section. */
export interface SectionOptions {
  readonly maxBytes: number;
  readonly tooLarge: Http1Rule;
  readonly allowUnderscores: boolean;
  /** Undefined for a trailer section, which starts with its first field. */
  readonly startLine: StartLine | undefined;
  readonly maxStartLineBytes: number;
  /** Empty lines that are skipped before the start line. */
  readonly maxEmptyLines: number;
}

/** While a start line is this short it is looked at with every chunk, so that what is no HTTP is refused at once. */
const EAGER_BYTES = 64;
const FIRST_OWNED_BYTES = 1024;
const KEPT_OWNED_BYTES = 8 * 1024;

/**
 * Reads lines up to an empty one: a head or a trailer section (RFC 9112 2.1).
 *
 * A section that is whole in one chunk is parsed in place. One that is not moves to a buffer of the reader's own and
 * is parsed line by line as lines end, so that each byte is looked at a bounded number of times however it arrives.
 */
export class SectionReader {
  readonly fields: FieldBlock;
  outcome: 'reading' | 'complete' | 'refused' = 'reading';
  /** Set when `outcome` is 'refused'. */
  refusedBy: Http1Rule = 'bare-lf';
  /** Where the empty line at the end begins, once complete. */
  fieldsEnd = 0;
  readonly #options: SectionOptions;
  readonly #nameBytes: Uint8Array;
  #owned: Buffer = noBytes;
  /** Bytes of the section in `#owned`; 0 while nothing had to be kept. */
  #used = 0;
  /** Where in `#owned` the first line begins that has not ended. */
  #lineStart = 0;
  #inFields: boolean;
  #emptyLines = 0;
  #carriageReturn = false;
  /** Where in the chunk the section begins that is parsed in place. */
  #sectionStart = 0;

  constructor(fields: FieldBlock, options: SectionOptions) {
    this.#options = options;
    this.#inFields = options.startLine === undefined;
    this.#nameBytes = options.allowUnderscores ? tokenBytes : tokenBytesWithoutUnderscore;
    this.fields = fields;
  }

  /** Whether bytes of a section were read that has not ended. Empty lines before it do not count. */
  get begun(): boolean {
    return this.#used > 0;
  }

  /** The number of the line that is being read, from 1. */
  get line(): number {
    const startLines = this.#options.startLine === undefined ? 0 : 1;
    return this.#inFields ? this.fields.count + startLines + 1 : 1;
  }

  /** Forgets what was read and waits for the next section. */
  reset(): void {
    this.outcome = 'reading';
    this.#inFields = this.#options.startLine === undefined;
    this.#used = 0;
    this.#lineStart = 0;
    this.#emptyLines = 0;
    this.#carriageReturn = false;
    if (this.#owned.length > KEPT_OWNED_BYTES) this.#owned = noBytes;
    this.fields.clear();
  }

  /** Copies a section that was parsed in place to the reader's own buffer, so that the chunk can be reused. */
  own(): void {
    if (this.#used > 0 || this.outcome !== 'complete') return;
    const { fields } = this;
    const first = this.#sectionStart;
    this.#keep(fields.buffer, first, this.fieldsEnd + 2);
    this.fieldsEnd -= first;
  }

  /** Takes bytes from `chunk[start..end)`; gives the offset of the first that it did not take. */
  read(chunk: Uint8Array, start: number, end: number): number {
    if (this.#used > 0) return this.#readOwned(chunk, start, end);
    const first = this.#options.maxEmptyLines > 0 ? this.#skipEmptyLines(chunk, start, end) : start;
    if (first >= end || this.outcome !== 'reading') return first;
    const { maxBytes } = this.#options;
    this.#sectionStart = first;
    this.fields.buffer = chunk;
    const next = this.#parse(chunk, first, end - first > maxBytes ? first + maxBytes : end);
    if (this.outcome !== 'reading') return next;
    if (end - first >= maxBytes) {
      this.#refuse(this.#options.tooLarge);
      return next;
    }
    this.#keep(chunk, first, end);
    this.#lineStart = next - first;
    return end;
  }

  #skipEmptyLines(chunk: Uint8Array, start: number, end: number): number {
    let at = start;
    for (; at < end; at++) {
      const byte = chunk[at] as number;
      if (this.#carriageReturn) {
        if (byte !== LF) return this.#refuse('bare-cr', at);
        this.#carriageReturn = false;
        if (++this.#emptyLines > this.#options.maxEmptyLines) return this.#refuse('empty-lines', at);
      } else if (byte === CR) this.#carriageReturn = true;
      else if (byte === LF) return this.#refuse('bare-lf', at);
      else break;
    }
    return at;
  }

  /** Moves `from[start..end)` to the own buffer, and the ranges with it. */
  #keep(from: Uint8Array, start: number, end: number): void {
    this.#append(from, start, end);
    this.fields.shift(-start);
    this.#options.startLine?.shift(-start);
    this.fields.buffer = this.#owned;
  }

  #append(from: Uint8Array, start: number, end: number): void {
    const needed = this.#used + end - start;
    if (needed > this.#owned.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(FIRST_OWNED_BYTES, needed * 2));
      grown.set(this.#owned.subarray(0, this.#used));
      this.#owned = grown;
      this.fields.buffer = grown;
    }
    if (end - start === 1) this.#owned[this.#used] = from[start] as number;
    else this.#owned.set(from.subarray(start, end), this.#used);
    this.#used = needed;
  }

  #readOwned(chunk: Uint8Array, start: number, end: number): number {
    const { maxBytes, maxStartLineBytes } = this.#options;
    let at = start;
    while (at < end) {
      const stop = Math.min(end, at + maxBytes - this.#used);
      let lineEnd = at;
      while (lineEnd < stop && chunk[lineEnd] !== LF) lineEnd++;
      const ended = lineEnd < stop;
      if (ended) lineEnd++;
      this.#append(chunk, at, lineEnd);
      at = lineEnd;
      const used = this.#used;
      const eager = !this.#inFields && (used <= EAGER_BYTES || used >= maxStartLineBytes);
      if (!ended && !eager && used < maxBytes) return at;
      this.#lineStart = this.#parse(this.#owned, this.#lineStart, used);
      if (this.outcome !== 'reading') return at;
      if (used >= maxBytes) return this.#refuse(this.#options.tooLarge, at);
    }
    return at;
  }

  /** Reads the lines that are whole in `buffer[start..end)`; gives where the first begins that is not. */
  #parse(buffer: Uint8Array, start: number, end: number): number {
    if (this.#inFields) return this.#parseFields(buffer, start, end);
    const { startLine, maxStartLineBytes } = this.#options;
    if (startLine === undefined) return start;
    const tooLong = end - start >= maxStartLineBytes;
    const next = startLine.parse(buffer, start, tooLong ? start + maxStartLineBytes : end);
    if (next >= 0) {
      this.#inFields = true;
      return this.#parseFields(buffer, next, end);
    }
    if (next === REFUSED) return this.#refuse(startLine.refusedBy, start);
    return tooLong ? this.#refuse('request-line-too-long', start) : start;
  }

  #parseFields(buffer: Uint8Array, start: number, end: number): number {
    const { fields } = this;
    const { ranges } = fields;
    const nameBytes = this.#nameBytes;
    let line = start;
    for (;;) {
      let at = line;
      while (at < end && nameBytes[buffer[at] as number] !== 0) at++;
      if (at === end) return line;
      const nameEnd = at;
      if (buffer[at] !== COLON || at === line) {
        if (buffer[at] !== CR || at !== line) return this.#refuse(problemInName(buffer, line, at), line);
        if (at + 1 === end) return line;
        if (buffer[at + 1] !== LF) return this.#refuse('bare-cr', line);
        this.fieldsEnd = line;
        this.outcome = 'complete';
        return line + 2;
      }
      at++;
      while (at < end && (buffer[at] === SPACE || buffer[at] === HTAB)) at++;
      const valueStart = at;
      while (at < end && valueBytes[buffer[at] as number] !== 0) at++;
      if (at === end) return line;
      if (buffer[at] !== CR) return this.#refuse(buffer[at] === LF ? 'bare-lf' : 'value-character', line);
      if (at + 1 === end) return line;
      if (buffer[at + 1] !== LF) return this.#refuse('bare-cr', line);
      const index = fields.count;
      const slot = index * 4;
      if (slot === ranges.length) return this.#refuse('too-many-fields', line);
      ranges[slot] = line;
      ranges[slot + 1] = nameEnd;
      ranges[slot + 2] = valueStart;
      line = at + 2;
      while (at > valueStart && (buffer[at - 1] === SPACE || buffer[at - 1] === HTAB)) at--;
      ranges[slot + 3] = at;
      fields.note(index, kindOfName(buffer, ranges[slot] as number, nameEnd));
      fields.count = index + 1;
    }
  }

  #refuse(rule: Http1Rule, at = 0): number {
    this.refusedBy = rule;
    this.outcome = 'refused';
    return at;
  }
}

/** Why the line at `start` is no field, given that `at` is the first byte that can not be part of its name. */
function problemInName(buffer: Uint8Array, start: number, at: number): Http1Rule {
  const byte = buffer[at];
  if (byte === SPACE || byte === HTAB) return at === start ? 'obs-fold' : 'space-before-colon';
  if (byte === COLON) return 'empty-name';
  if (byte === LF) return 'bare-lf';
  if (byte === UNDERSCORE) return 'underscore-in-name';
  return 'name-character';
}
