import { constants } from 'node:fs';
import { libc } from './libc.ts';

const getStatusFlags = 3;
const setStatusFlags = 4;

/**
 * Makes reads and writes of a descriptor wait, as programs expect of their standard streams (fcntl(2), F_SETFL). Node
 * makes its own non-blocking, and a program that takes this process over would have them so: it would read or write
 * less than it meant to, with EAGAIN. A descriptor that is not open is left alone.
 */
export function makeBlocking(fd: number): void {
  const flags = libc.fcntl(fd, getStatusFlags, 0);
  if (flags >= 0) libc.fcntl(fd, setStatusFlags, flags & ~constants.O_NONBLOCK);
}
