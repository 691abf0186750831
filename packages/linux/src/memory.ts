import { readFileSync } from 'node:fs';
import { libc } from './libc.ts';

/** MADV_DONTNEED of madvise(2). */
const dontNeed = 4;

/** A range of addresses of this process. */
export interface AddressRange {
  readonly start: bigint;
  readonly end: bigint;
}

/**
 * Gives memory back to the kernel that the process holds, but does not use: free memory of the C library, and the pages
 * of program text, most of which only the start needed. Text is never written, so what is needed again comes back from
 * the page cache, 64 KiB at a time.
 */
export function returnUnusedMemory(): void {
  libc.mallocTrim(0);
  for (const { start, end } of textRanges(readFileSync('/proc/self/maps', 'latin1'))) {
    libc.madvise(start, end - start, dontNeed);
  }
}

/** The mappings of `/proc/PID/maps` (proc_pid_maps(5)) that hold the text of programs and libraries: `r-xp` of a file. */
export function textRanges(maps: string): AddressRange[] {
  return maps.split('\n').flatMap((line) => {
    const [, start, end] = /^([0-9a-f]+)-([0-9a-f]+) r-xp \S+ \S+ [1-9]\d* +\//.exec(line) ?? [];
    return start === undefined || end === undefined ? [] : [{ start: BigInt(`0x${start}`), end: BigInt(`0x${end}`) }];
  });
}
