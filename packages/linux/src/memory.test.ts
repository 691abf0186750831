import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { returnUnusedMemory, unchangedRanges } from './memory.ts';

function residentFileKiB(): number {
  return Number(/^RssFile:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1]);
}

function mapping(head: string, anonymousKiB: number, swapKiB: number): string {
  const figures = ['Size: 16 kB', 'Rss: 8 kB', `Anonymous:      ${anonymousKiB} kB`, 'AnonHugePages:         0 kB'];
  return [
    head,
    ...figures,
    `Swap:           ${swapKiB} kB`,
    'SwapPss:               0 kB',
    'VmFlags: rd ex mr',
    '',
  ].join('\n');
}

describe('unchangedRanges', () => {
  it('takes what cannot be written and never was', () => {
    const smaps = [
      mapping('00400000-0082e000 r--p 00000000 fe:00 1311                /usr/bin/node', 0, 0),
      mapping('0082e000-03489000 r-xp 0042e000 fe:00 1311                /usr/bin/node', 0, 0),
      // What the dynamic linker relocated and then protected, here or in swap.
      mapping('072a7000-07308000 r--p 06ea7000 fe:00 1311                /usr/bin/node', 4, 0),
      mapping('07308000-07309000 r--p 06ea7000 fe:00 1311                /usr/bin/node', 0, 4),
      mapping('07309000-0730a000 rw-p 06ea7000 fe:00 1311                /usr/bin/node', 0, 0),
      mapping('0730a000-0730b000 r--s 06ea7000 fe:00 1311                /usr/bin/node', 0, 0),
      mapping('7f0000000000-7f0000021000 r-xp 00000000 00:00 0 ', 0, 0),
      mapping('7fff00000000-7fff00002000 r-xp 00000000 00:00 0                  [vdso]', 0, 0),
    ].join('');
    expect(unchangedRanges(smaps)).toEqual([
      { start: 0x400000n, end: 0x82e000n },
      { start: 0x82e000n, end: 0x3489000n },
    ]);
  });

  it('finds no range in a mapping whose figures it does not understand', () => {
    expect(unchangedRanges('00400000-0082e000 r-xp 00000000 fe:00 1311 /usr/bin/node\nVmFlags: rd\n')).toEqual([]);
  });
});

describe('returnUnusedMemory', () => {
  it('makes the process smaller, and it goes on', () => {
    const before = residentFileKiB();
    returnUnusedMemory();
    expect(residentFileKiB()).toBeLessThan(before);
  });
});
