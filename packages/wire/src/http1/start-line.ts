import type { Http1Rule } from './failure.ts';

/** What {@link StartLine.parse} gives when the line is not there as a whole. */
export const INCOMPLETE = -1;
/** What {@link StartLine.parse} gives when it refused the line. */
export const REFUSED = -2;

/** The first line of a head. */
export interface StartLine {
  /** Set when `parse` gives {@link REFUSED}. */
  refusedBy: Http1Rule;
  /** Reads the line at `start`; gives the offset behind its CRLF, {@link INCOMPLETE} or {@link REFUSED}. */
  parse(buffer: Uint8Array, start: number, end: number): number;
  /** Moves every range, after the bytes were moved to another buffer. */
  shift(by: number): void;
}
