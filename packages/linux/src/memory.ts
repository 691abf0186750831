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
 * Gives memory back to the kernel that the process holds, but does not use: free memory of the C library, and the pages of
 * programs' text and constants, most of which only the start needed. Those are as in their files, so what is needed again
 * comes back from the page cache, 64 KiB at a time.
 */
export function returnUnusedMemory(): void {
  libc.mallocTrim(0);
  for (const { start, end } of unchangedRanges(readFileSync('/proc/self/smaps', 'latin1'))) {
    libc.madvise(start, end - start, dontNeed);
  }
}

const mappingLine = /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ (\d+) +\//;

/**
 * The mappings of `/proc/PID/smaps` (proc_pid_smaps(5)) that are private views of files, cannot be written, and have no
 * page that differs from its file: none that was ever written (by the dynamic linker, before it forbade it), in memory or
 * swapped out.
 */
export function unchangedRanges(smaps: string): AddressRange[] {
  const ranges: AddressRange[] = [];
  let range: AddressRange | undefined;
  let proofs = 0;
  for (const line of smaps.split('\n')) {
    const [, start, end, permissions, inode] = mappingLine.exec(line) ?? [];
    if (start !== undefined && end !== undefined) {
      const isReadOnly = permissions === 'r--p' || permissions === 'r-xp';
      range = isReadOnly && inode !== '0' ? { start: BigInt(`0x${start}`), end: BigInt(`0x${end}`) } : undefined;
      proofs = 0;
    } else if (/^[0-9a-f]+-[0-9a-f]+ /.test(line)) range = undefined;
    else if (/^(Anonymous|Swap): +0 kB/.test(line)) proofs++;
    else if (line.startsWith('VmFlags:') && range !== undefined && proofs === 2) ranges.push(range);
  }
  return ranges;
}
