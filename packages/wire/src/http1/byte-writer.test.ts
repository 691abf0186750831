import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ByteWriter } from './index.ts';

describe('ByteWriter', () => {
  it('gives what was written, however large, and never changes what it gave', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.uint8Array({ maxLength: 90 }))),
        fc.integer({ min: 1, max: 64 }),
        (takes, slab) => {
          const writer = new ByteWriter(slab);
          const taken = takes.map((parts) => {
            for (const part of parts) writer.writeBytes(part);
            expect(writer.length).toBe(parts.reduce((sum, part) => sum + part.length, 0));
            return writer.take();
          });
          expect(taken.map((bytes) => bytes.toString('hex'))).toEqual(
            takes.map((parts) => Buffer.concat(parts).toString('hex')),
          );
        },
      ),
    );
  });

  it('writes ranges of arrays that are no Buffers', () => {
    const writer = new ByteWriter(8);
    const from = Uint8Array.from({ length: 100 }, (_, i) => i);
    writer.writeRange(from, 10, 90);
    writer.writeRange(from, 3, 5);
    expect([...writer.take()]).toEqual([...from.subarray(10, 90), 3, 4]);
  });

  it('writes numbers', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        const writer = new ByteWriter(4);
        writer.writeDecimal(value);
        writer.writeByte(32);
        writer.writeHexadecimal(value);
        expect(writer.take().toString()).toBe(`${value} ${value.toString(16)}`);
      }),
    );
  });

  it('forgets what is discarded', () => {
    const writer = new ByteWriter(8);
    writer.writeBytes(Buffer.from('kept'));
    const kept = writer.take();
    writer.writeBytes(Buffer.from('thrown away'));
    writer.discard();
    writer.writeBytes(Buffer.from('new'));
    expect([kept.toString(), writer.take().toString(), writer.length]).toEqual(['kept', 'new', 0]);
  });
});
