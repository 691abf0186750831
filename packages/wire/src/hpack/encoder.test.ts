import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { headerLines } from '../../test/http2-ends.ts';
import {
  encodeHeaderList,
  HeaderScratch,
  HpackDecoder,
  HpackEncoder,
  type FieldIndexing,
  type HeaderField,
} from './index.ts';
import { huffmanDecode, huffmanDecodedBound, huffmanEncode, huffmanEncodedLength } from './huffman.ts';

function newDecoder(maxTableSize = 4096): (block: Uint8Array) => string[] {
  const decoder = new HpackDecoder({ maxTableSize, maxListBytes: 1_000_000, maxFields: 1000 });
  const scratch = new HeaderScratch();
  return (block) => {
    expect(decoder.decode(block, 0, block.length, scratch)).toBe(true);
    return headerLines(scratch);
  };
}

function encode(encoder: HpackEncoder, fields: readonly HeaderField[]): Buffer {
  encoder.begin();
  for (const [name, value, indexing] of fields) encoder.add(name, value, indexing);
  const update = encoder.takeTableSizeUpdate();
  return Buffer.concat([update ?? Buffer.alloc(0), encoder.finish()]);
}

describe('Huffman code', () => {
  it('gives any bytes back, in the length it foretells', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const length = huffmanEncodedLength(bytes, 0, bytes.length);
        const coded = new Uint8Array(length);
        expect(huffmanEncode(bytes, 0, bytes.length, coded, 0)).toBe(length);
        const decoded = new Uint8Array(huffmanDecodedBound(length));
        const end = huffmanDecode(coded, 0, length, decoded, 0);
        expect(decoded.subarray(0, end)).toEqual(bytes);
      }),
    );
  });

  it('has a code for each byte', () => {
    const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    const coded = new Uint8Array(huffmanEncodedLength(all, 0, 256));
    huffmanEncode(all, 0, 256, coded, 0);
    const decoded = new Uint8Array(huffmanDecodedBound(coded.length));
    expect(decoded.subarray(0, huffmanDecode(coded, 0, coded.length, decoded, 0))).toEqual(all);
  });
});

describe('HpackEncoder', () => {
  it('without a table encodes the same list to the same bytes, which any decoder takes in any order', () => {
    const head = encodeHeaderList([
      [':method', 'CONNECT'],
      [':authority', '10.1.2.3:8080'],
      ['Baggage', 'k=v'],
    ]);
    const decode = newDecoder();
    for (let i = 0; i < 3; i++) {
      expect(decode(head)).toEqual([':method: CONNECT', ':authority: 10.1.2.3:8080', 'baggage: k=v']);
    }
  });

  it('sends a field that it has sent before in one byte', () => {
    const encoder = new HpackEncoder({ tableSize: 4096 });
    const fields: HeaderField[] = [['x-request-source', 'cart']];
    expect(encode(encoder, fields).length).toBeGreaterThan(10);
    expect(encode(encoder, fields)).toEqual(Buffer.of(0x80 | 62));
  });

  it('never indexes secrets, and says so on the wire (section 7.1.3)', () => {
    const encoder = new HpackEncoder({ tableSize: 4096 });
    for (const [name, first] of [
      ['authorization', 0x1f],
      ['cookie', 0x1f],
      ['x-api-key', 0x10],
    ] as const) {
      const fields: HeaderField[] = [[name, 'secret', name.startsWith('x') ? 'never' : 'auto']];
      const once = encode(encoder, fields);
      expect(once[0]).toBe(first);
      expect(encode(encoder, fields)).toEqual(once);
    }
  });

  it('does not fill its table with what changes each time', () => {
    const encoder = new HpackEncoder({ tableSize: 4096 });
    encode(encoder, [
      [':path', '/a'],
      ['content-length', '17'],
    ]);
    expect(encode(encoder, [[':path', '/a']]).length).toBeGreaterThan(1);
    expect(encode(encoder, [['x-a', 'large'.repeat(700)]]).length).toBeGreaterThan(1000);
    expect(encode(encoder, [['x-a', 'large'.repeat(700)]]).length).toBeGreaterThan(1000);
  });

  it("follows the peer's table size with the smallest and the last size (section 4.2)", () => {
    const encoder = new HpackEncoder({ tableSize: 4096 });
    const fields: HeaderField[] = [['x-a', '1']];
    encode(encoder, fields);
    encoder.setPeerTableSize(0);
    encoder.setPeerTableSize(2048);
    const block = encode(encoder, fields);
    expect(block.subarray(0, 4)).toEqual(Buffer.of(0x20, 0x3f, 0xe1, 0x0f));
    expect(newDecoder()(block)).toEqual(['x-a: 1']);
    expect(encode(encoder, fields)).toEqual(Buffer.of(0x80 | 62));
  });

  it('without a table answers a reduction once, with size 0 (RFC 9113 section 4.3.1)', () => {
    const encoder = new HpackEncoder();
    encoder.setPeerTableSize(8192);
    expect(encoder.takeTableSizeUpdate()).toBeUndefined();
    encoder.setPeerTableSize(100);
    encoder.setPeerTableSize(50);
    expect(encoder.takeTableSizeUpdate()).toEqual(Buffer.of(0x20));
    encoder.setPeerTableSize(10);
    expect(encoder.takeTableSizeUpdate()).toBeUndefined();
  });

  it('says at first that its table is smaller than the default', () => {
    expect(new HpackEncoder({ tableSize: 256 }).takeTableSizeUpdate()).toEqual(Buffer.from('3fe101', 'hex'));
  });

  it('gives what its peer decodes, whatever the lists, table sizes and changes of them', () => {
    const name = fc.constantFrom('a', 'x-b', ':path', 'cookie', 'content-type', 'user-agent', 'x-long-name-of-a-field');
    const value = fc.oneof(
      fc.constantFrom('', '/', 'v', 'text/html', 'v'.repeat(90)),
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
    );
    const indexing = fc.constantFrom<FieldIndexing>('auto', 'literal', 'never');
    const step = fc.record({
      peerSize: fc.option(fc.integer({ min: 0, max: 5000 }), { freq: 4 }),
      fields: fc.array(fc.tuple(name, value, indexing), { maxLength: 8 }),
    });
    fc.assert(
      fc.property(
        fc.constantFrom(0, 60, 150, 4096, 5000),
        fc.boolean(),
        fc.array(step, { maxLength: 12 }),
        (tableSize, huffman, steps) => {
          const encoder = new HpackEncoder({ tableSize, huffman });
          encoder.setPeerTableSize(5000);
          const decode = newDecoder(5000);
          for (const { peerSize, fields } of steps) {
            if (peerSize !== null) encoder.setPeerTableSize(peerSize);
            const lines = decode(encode(encoder, fields));
            expect(lines).toEqual(fields.map(([fieldName, fieldValue]) => `${fieldName}: ${fieldValue}`));
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
