import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { headerLines } from '../../test/http2-ends.ts';
import { HeaderScratch, HpackDecoder, HpackError } from './index.ts';

function decoderOf(options: Partial<{ maxTableSize: number; maxListBytes: number; maxFields: number }> = {}): {
  decode: (...bytes: (number | string | Uint8Array)[]) => string[] | 'too large';
  decoder: HpackDecoder;
  scratch: HeaderScratch;
} {
  const decoder = new HpackDecoder({ maxTableSize: 4096, maxListBytes: 60_000, maxFields: 100, ...options });
  const scratch = new HeaderScratch();
  return {
    decoder,
    scratch,
    decode: (...parts) => {
      const bytes = Buffer.concat(
        parts.map((part) => (typeof part === 'number' ? Buffer.of(part) : Buffer.from(part as string))),
      );
      return decoder.decode(bytes, 0, bytes.length, scratch) ? headerLines(scratch) : 'too large';
    },
  };
}

describe('HpackDecoder refuses', () => {
  it.each([
    ['index 0 (section 6.1)', [0x80]],
    ['an index beyond the tables (section 2.3.3)', [0xbe]],
    ['a name index beyond the tables', [0x7f, 0x00, 0x01, 0x61]],
    ['a block that ends inside an integer (section 5.1)', [0xff, 0x80]],
    ['an integer without end', [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]],
    ['an integer of many zero bytes', [0xff, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00]],
    ['a block that ends before a name', [0x40]],
    ['a block that ends before a value', [0x40, 0x01, 0x61]],
    ['a string longer than the block (section 5.2)', [0x40, 0x05, 0x61, 0x62]],
    ['Huffman padding of more than 7 bits (section 5.2)', [0x40, 0x82, 0x1f, 0xff, 0x00]],
    ['Huffman padding of zeros', [0x40, 0x81, 0x18, 0x00]],
    ['the Huffman symbol EOS', [0x40, 0x84, 0xff, 0xff, 0xff, 0xff, 0x00]],
    ['a size update behind a field (section 4.2)', [0x82, 0x20]],
    ['a size update above the limit (section 6.3)', [0x3f, 0xe2, 0x1f]],
    ['three size updates', [0x20, 0x20, 0x20]],
  ])('%s', (_, bytes) => {
    expect(() => decoderOf().decode(...bytes)).toThrow(HpackError);
  });
});

describe('the dynamic table', () => {
  it('evicts from the oldest end and is emptied by an entry that is too large (sections 4.3, 4.4)', () => {
    const { decode, decoder } = decoderOf({ maxTableSize: 4096 });
    // Room for two entries of 1 + 1 + 32.
    decode(0x3f, 0x25, 0x40, 1, 'a', 1, '1', 0x40, 1, 'b', 1, '2', 0x40, 1, 'c', 1, '3');
    expect(decoder.tableSize).toBe(68);
    expect(decode(0xbe, 0xbf)).toEqual(['c: 3', 'b: 2']);
    expect(() => decode(0xc0)).toThrow(HpackError);
    expect(decode(0x40, 1, 'd', 40, 'x'.repeat(40))).toHaveLength(1);
    expect(decoder.tableSize).toBe(0);
  });

  it('takes a name from an entry that the insertion evicts (section 4.4)', () => {
    const { decode } = decoderOf();
    decode(0x3f, 0x03, 0x40, 1, 'a', 1, '1');
    expect(decode(0x7e, 1, '2')).toEqual(['a: 2']);
    expect(decode(0xbe)).toEqual(['a: 2']);
  });

  it('keeps all entries right over many insertions', () => {
    const { decode } = decoderOf();
    for (let round = 0; round < 1000; round++) {
      const value = String(round).padStart(round % 50, '.');
      expect(decode(0x40, 3, 'key', value.length, value)).toEqual([`key: ${value}`]);
      if (round > 0) {
        const before = String(round - 1).padStart((round - 1) % 50, '.');
        expect(decode(0xbf, 0xbe)).toEqual([`key: ${before}`, `key: ${value}`]);
      }
    }
  });

  it('lets the peer keep to the default until our smaller size is acknowledged (RFC 9113 section 4.3.1)', () => {
    const { decode, decoder } = decoderOf({ maxTableSize: 100 });
    expect(decode(0x40, 1, 'a', 60, 'x'.repeat(60), 0x40, 1, 'b', 60, 'x'.repeat(60))).toHaveLength(2);
    decoder.onSettingsAcknowledged();
    expect(() => decode(0x82)).toThrow('missing');
  });

  it('takes the update that a smaller size asks for', () => {
    const { decode, decoder } = decoderOf({ maxTableSize: 100 });
    decoder.onSettingsAcknowledged();
    expect(decode(0x3f, 0x45, 0x82)).toEqual([':method: GET']);
    expect(decode(0x82)).toEqual([':method: GET']);
    expect(() => decode(0x3f, 0x46)).toThrow('exceeds');
  });
});

describe('limits', () => {
  it('count names, values and 32 a field, and keep the compression state right beyond them', () => {
    const { decode } = decoderOf({ maxListBytes: 100 });
    expect(decode(0x40, 1, 'a', 1, '1', 0x40, 1, 'b', 1, '2')).toHaveLength(2);
    expect(decode(0x82, 0x82, 0x82, 0x40, 1, 'c', 1, '3')).toBe('too large');
    expect(decode(0xbe, 0xbf)).toEqual(['c: 3', 'b: 2']);
  });

  it('bound the number of fields', () => {
    const { decode } = decoderOf({ maxFields: 3 });
    expect(decode(0x82, 0x82, 0x82)).toHaveLength(3);
    expect(decode(0x82, 0x82, 0x82, 0x82)).toBe('too large');
  });

  it('bound the work and memory of a bomb: one large entry, named again and again', () => {
    const { decode, scratch } = decoderOf();
    decode(0x40, 1, 'a', 0x7f, 0xa1, 0x1e, 'x'.repeat(4000));
    expect(decode(new Uint8Array(60_000).fill(0xbe))).toBe('too large');
    expect(scratch.buffer.length).toBeLessThan(256 * 1024);
    expect(decode(0x82)).toEqual([':method: GET']);
    expect(scratch.buffer.length).toBeLessThanOrEqual(16 * 1024);
  });
});

describe('any bytes', () => {
  it('are decoded or refused with HpackError, within the limits', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 6 }), (blocks) => {
        const decoder = new HpackDecoder({ maxTableSize: 200, maxListBytes: 300, maxFields: 5 });
        const scratch = new HeaderScratch();
        for (const block of blocks) {
          try {
            const fits = decoder.decode(block, 0, block.length, scratch);
            expect(scratch.count).toBeLessThanOrEqual(5);
            if (fits) expect(scratch.used).toBeLessThanOrEqual(300);
          } catch (error) {
            expect(error).toBeInstanceOf(HpackError);
            return;
          }
        }
      }),
      { numRuns: 2000 },
    );
  });
});
