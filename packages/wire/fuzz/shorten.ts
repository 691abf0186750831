/** The shortest input that can be had by leaving parts out, such that `same` still holds. */
export function shorten(input: Buffer, same: (input: Buffer) => boolean): Buffer {
  let best = input;
  for (let part = best.length >> 1; part > 0; part >>= 1) {
    for (let at = 0; at < best.length;) {
      const shorter = Buffer.concat([best.subarray(0, at), best.subarray(at + part)]);
      if (same(shorter)) best = shorter;
      else at += part;
    }
  }
  return best;
}
