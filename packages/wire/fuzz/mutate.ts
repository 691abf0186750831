/** A stream of numbers that is the same for the same seed, so that what is found can be found again (xorshift32). */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0 || 1;
  }

  /** A whole number of `[0, bound)`. */
  below(bound: number): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return (x >>> 0) % bound;
  }

  of<T>(all: readonly [T, ...T[]] | readonly T[]): T {
    return all[this.below(all.length)] as T;
  }
}

const interestingBytes = [0, 1, 9, 10, 13, 32, 44, 47, 48, 58, 59, 63, 64, 95, 127, 128, 191, 192, 254, 255];

/** Changes `input` in one to eight places, as an attacker would: bits, bytes, ranges, words and parts of `others`. */
export function mutate(
  dice: Dice,
  input: Buffer,
  from: { readonly others: readonly Buffer[]; readonly words: readonly Buffer[]; readonly maxBytes: number },
): Buffer {
  let bytes: Buffer = Buffer.from(input);
  for (let left = 1 << dice.below(4); left > 0; left--) bytes = change(dice, bytes, from);
  return bytes.subarray(0, from.maxBytes);
}

function change(
  dice: Dice,
  bytes: Buffer,
  { others, words }: { readonly others: readonly Buffer[]; readonly words: readonly Buffer[] },
): Buffer {
  const at = dice.below(bytes.length + 1);
  const length = dice.below(Math.min(bytes.length - at, 32) + 1);
  const splice = (middle: Uint8Array, removed: number): Buffer =>
    Buffer.concat([bytes.subarray(0, at), middle, bytes.subarray(at + removed)]);
  switch (dice.below(9)) {
    case 0:
      if (at < bytes.length) bytes[at] = (bytes[at] as number) ^ (1 << dice.below(8));
      return bytes;
    case 1:
      if (at < bytes.length) bytes[at] = dice.of(interestingBytes);
      return bytes;
    case 2:
      return splice(Buffer.of(dice.below(256)), 0);
    case 3:
      return splice(Buffer.alloc(0), length);
    case 4:
      return splice(bytes.subarray(at, at + length), 0);
    case 5:
      return splice(dice.of(words), 0);
    case 6:
      return splice(dice.of(words), length);
    case 7: {
      const other = dice.of(others);
      const start = dice.below(other.length + 1);
      return splice(other.subarray(start, start + dice.below(other.length - start + 1)), dice.below(2) * length);
    }
    default:
      return dice.below(4) === 0 ? bytes.subarray(0, at) : Buffer.concat([bytes, dice.of(others)]);
  }
}

/** Places at which to cut an input of `length` bytes: few, many, or every one. */
export function places(dice: Dice, length: number): number[] {
  const kind = dice.below(8);
  if (kind === 0) return Array.from({ length }, (_, at) => at);
  return Array.from({ length: 1 + dice.below(kind < 6 ? 3 : 20) }, () => dice.below(length + 1));
}
