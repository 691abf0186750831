import { copyFileSync, openSync, statSync, truncateSync } from 'node:fs';

/** A log is emptied when it has grown beyond this; what it held is kept beside it, as `FILE.1`. */
export const logLimitBytes = 8 * 1024 * 1024;

/**
 * Opens a log for programs to write to directly. They append, so the file can be emptied while they write, and they
 * do not notice when the supervisor dies.
 */
export function openLog(path: string): number {
  return openSync(path, 'a', 0o640);
}

/** Empties a log that has grown too large; its content goes to `FILE.1`. What is written in between may be lost. */
export function boundLog(path: string, limitBytes: number = logLimitBytes): void {
  let size: number;
  try {
    size = statSync(path).size;
  } catch {
    return;
  }
  if (size <= limitBytes) return;
  copyFileSync(path, `${path}.1`);
  truncateSync(path);
}
