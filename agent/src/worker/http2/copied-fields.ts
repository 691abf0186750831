import type { HeaderBlock } from '@tulle/core';

/** Fields that outlive the block that they came in. */
export class CopiedFields implements HeaderBlock {
  readonly buffer: Buffer;
  readonly count: number;
  readonly ranges: Int32Array;

  constructor({ buffer, count, ranges }: HeaderBlock) {
    this.buffer = Buffer.from(buffer);
    this.count = count;
    this.ranges = ranges.slice(0, count * 4);
  }
}
