import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { returnUnusedMemory, textRanges } from './memory.ts';

function residentFileKiB(): number {
  return Number(/^RssFile:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1]);
}

describe('textRanges', () => {
  it('takes text of files, and nothing that could have been written', () => {
    const maps = [
      '00400000-0082e000 r--p 00000000 fe:00 1311 /usr/bin/node',
      '0082e000-03489000 r-xp 0042e000 fe:00 1311 /usr/bin/node',
      '072a7000-07308000 rw-p 06ea7000 fe:00 1311 /usr/bin/node',
      '7f0000000000-7f0000021000 r-xp 00000000 00:00 0 ',
      '7fff00000000-7fff00002000 r-xp 00000000 00:00 0 [vdso]',
      '',
    ].join('\n');
    expect(textRanges(maps)).toEqual([{ start: 0x82e000n, end: 0x3489000n }]);
  });
});

describe('returnUnusedMemory', () => {
  it('makes the process smaller, and it goes on', () => {
    const before = residentFileKiB();
    returnUnusedMemory();
    expect(residentFileKiB()).toBeLessThan(before);
  });
});
