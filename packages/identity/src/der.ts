/** One element of a DER encoding: where its contents lie in the buffer. */
export interface DerElement {
  readonly tag: number;
  /** Where the element itself begins. */
  readonly at: number;
  /** Where its contents begin and end. */
  readonly start: number;
  readonly end: number;
}

/** Tags used in certificates (X.690 §8). */
export const derTag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
} as const;

/**
 * Reads the element at `at`; it must lie before `limit`. Returns undefined for what is no definite-length DER element
 * with a low tag number, which covers all of X.509.
 */
export function readDer(buffer: Uint8Array, at: number, limit: number): DerElement | undefined {
  const tag = buffer[at];
  const first = buffer[at + 1];
  if (at + 2 > limit || tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) return undefined;
  let length = first;
  let start = at + 2;
  if (first >= 0x80) {
    const octets = first & 0x7f;
    if (octets === 0 || octets > 3 || start + octets > limit) return undefined;
    length = 0;
    for (let i = 0; i < octets; i++) length = length * 256 + (buffer[start + i] as number);
    start += octets;
  }
  const end = start + length;
  return end <= limit ? { tag, at, start, end } : undefined;
}

/** The elements inside `parent`, or undefined if its contents are not a whole number of elements. */
export function readDerChildren(
  buffer: Uint8Array,
  parent: { readonly start: number; readonly end: number },
): DerElement[] | undefined {
  const children: DerElement[] = [];
  for (let at = parent.start; at < parent.end;) {
    const child = readDer(buffer, at, parent.end);
    if (child === undefined) return undefined;
    children.push(child);
    at = child.end;
  }
  return children;
}

/** Encodes an element with definite length. */
export function writeDer(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  let length = 0;
  for (const part of contents) length += part.length;
  return Buffer.concat([derHeader(tag, length), ...contents]);
}

function derHeader(tag: number, length: number): Buffer {
  if (length < 0x80) return Buffer.from([tag, length]);
  if (length < 0x100) return Buffer.from([tag, 0x81, length]);
  if (length < 0x10000) return Buffer.from([tag, 0x82, length >> 8, length & 0xff]);
  return Buffer.from([tag, 0x83, length >> 16, (length >> 8) & 0xff, length & 0xff]);
}
