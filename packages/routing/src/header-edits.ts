import { equalsIgnoreCase } from '@tulle/core';
import type { HeaderBlock } from '@tulle/core';
import { isEditableHeader } from '@tulle/ir';
import type { HeaderModifier } from '@tulle/ir';
import { lowerBytes, textOf, utf8 } from './bytes.ts';

/** What is done to a head's fields: first every field in `dropNames` goes, then the fields of `append` follow. */
export class HeaderEdits {
  /** Lower-case names of the fields that go, because they are removed or set anew. */
  readonly dropNames: readonly Uint8Array[];
  /** The fields that are appended, as `Name: value\r\n` lines for HTTP/1.1. */
  readonly append: Buffer;
  /** The same fields as ranges of `append`, for HTTP/2 and HPACK. Their names keep the case that the user wrote. */
  readonly appended: HeaderBlock;
  private readonly lengths: number;

  constructor(dropNames: readonly Uint8Array[], fields: readonly { readonly name: string; readonly value: string }[]) {
    this.dropNames = dropNames;
    this.lengths = dropNames.reduce((bits, name) => bits | (1 << (name.length & 31)), 0);
    this.append = Buffer.concat(fields.map(({ name, value }) => utf8(`${name}: ${value}\r\n`)));
    const ranges = new Int32Array(fields.length * 4);
    let at = 0;
    fields.forEach(({ name, value }, i) => {
      const nameEnd = at + Buffer.byteLength(name);
      const valueEnd = nameEnd + 2 + Buffer.byteLength(value);
      ranges.set([at, nameEnd, nameEnd + 2, valueEnd], i * 4);
      at = valueEnd + 2;
    });
    this.appended = { buffer: this.append, count: fields.length, ranges };
  }

  /** These edits, and then `next` on what they give. */
  followedBy(next: HeaderEdits): HeaderEdits {
    const kept = fieldsOf(this.appended).filter(({ name }) => {
      const lower = lowerBytes(name);
      return !next.drops(lower, 0, lower.length);
    });
    return new HeaderEdits([...this.dropNames, ...next.dropNames], [...kept, ...fieldsOf(next.appended)]);
  }

  /** Whether the field whose name is `buffer[start..end)` goes. */
  drops(buffer: Uint8Array, start: number, end: number): boolean {
    if ((this.lengths & (1 << ((end - start) & 31))) === 0) return false;
    for (let i = 0; i < this.dropNames.length; i++) {
      if (equalsIgnoreCase(buffer, start, end, this.dropNames[i] as Uint8Array)) return true;
    }
    return false;
  }
}

function fieldsOf({ buffer, count, ranges }: HeaderBlock): { name: string; value: string }[] {
  return Array.from({ length: count }, (_, i) => {
    const [nameStart = 0, nameEnd = 0, valueStart = 0, valueEnd = 0] = ranges.subarray(i * 4, i * 4 + 4);
    return { name: textOf(buffer, nameStart, nameEnd), value: textOf(buffer, valueStart, valueEnd) };
  });
}

/**
 * The edits that stand for `modifiers`, applied one after the other (a rule's, then its backend's); each does set, then
 * add, then remove. `add` keeps the lines that are there and appends one. Undefined when nothing would change.
 */
export function compileHeaderEdits(modifiers: readonly HeaderModifier[]): HeaderEdits | undefined {
  const dropped = new Set<string>();
  let fields: { name: string; value: string; lower: string }[] = [];
  const drop = (lower: string) => {
    dropped.add(lower);
    fields = fields.filter((field) => field.lower !== lower);
  };
  for (const modifier of modifiers) {
    for (const { name, value } of modifier.set) {
      const lower = name.toLowerCase();
      if (!isEditableHeader(lower)) continue;
      drop(lower);
      fields.push({ name, value, lower });
    }
    for (const { name, value } of modifier.add) {
      const lower = name.toLowerCase();
      if (isEditableHeader(lower)) fields.push({ name, value, lower });
    }
    for (const name of modifier.remove) {
      const lower = name.toLowerCase();
      if (isEditableHeader(lower)) drop(lower);
    }
  }
  if (dropped.size === 0 && fields.length === 0) return undefined;
  return new HeaderEdits([...dropped].map(lowerBytes), fields);
}
