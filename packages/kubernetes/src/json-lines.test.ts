import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { jsonLines } from './json-lines.ts';

async function* chunksOf(bytes: Uint8Array, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  const places = [0, ...[...cuts].map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  for (let i = 1; i < places.length; i++) yield await Promise.resolve(bytes.subarray(places[i - 1], places[i]));
}

async function read(text: string, cuts: readonly number[] = [], maxLineBytes = 1000): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const value of jsonLines(chunksOf(Buffer.from(text), cuts), maxLineBytes)) found.push(value);
  return found;
}

describe('jsonLines', () => {
  it('reads the same lines wherever the stream is cut, also within a character', async () => {
    const values = fc.array(fc.record({ text: fc.string({ unit: 'grapheme' }), n: fc.integer() }), { maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(values, fc.array(fc.nat(), { maxLength: 8 }), async (list, cuts) => {
        const text = list.map((value) => `${JSON.stringify(value)}\n`).join('');
        expect(await read(text, cuts)).toEqual(list);
      }),
    );
  });

  it('passes empty lines over, and an unfinished last one', async () => {
    expect(await read('\n{"a":1}\r\n\n{"b":')).toEqual([{ a: 1 }]);
  });

  it('refuses what is no JSON, and a line without an end', async () => {
    await expect(read('{"a":1}\nnot json\n')).rejects.toMatchObject({ code: 'BadStream' });
    await expect(read('x'.repeat(50), [10, 20, 30, 40], 25)).rejects.toThrow('longer than 25 bytes');
  });
});
