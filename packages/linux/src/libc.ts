import koffi from 'koffi';
import { constants } from 'node:os';
import { CodedError } from '@tulle/core';

/**
 * The few calls of the C library that Node does not offer. Everything that needs privilege (entering a namespace, making
 * a socket there) goes through this package, so that it can move behind a broker one day.
 */
export interface Libc {
  setns(fd: number, type: number): number;
  socket(domain: number, type: number, protocol: number): number;
  socketpair(domain: number, type: number, protocol: number, pair: Int32Array): number;
  bind(fd: number, address: Uint8Array, length: number): number;
  listen(fd: number, backlog: number): number;
  setsockopt(fd: number, level: number, name: number, value: Uint8Array, length: number): number;
  getsockopt(fd: number, level: number, name: number, value: Uint8Array, length: Uint32Array): number;
  close(fd: number): number;
  fcntl(fd: number, command: number, argument: number): number;
  mallocTrim(pad: number): number;
  schedGetscheduler(pid: number): number;
  schedSetscheduler(pid: number, policy: number, parameters: Int32Array): number;
  madvise(address: bigint, length: bigint, advice: number): number;
  errno(): number;
}

/** Binds the C library's functions; done once a process. */
function loadLibc(): Libc {
  const library = koffi.load('libc.so.6');
  const fcntl = library.func('int fcntl(int fd, int command, ...)');
  return {
    setns: library.func('int setns(int fd, int type)'),
    socket: library.func('int socket(int domain, int type, int protocol)'),
    socketpair: library.func('int socketpair(int domain, int type, int protocol, _Out_ int *pair)'),
    bind: library.func('int bind(int fd, void *address, uint32_t length)'),
    listen: library.func('int listen(int fd, int backlog)'),
    setsockopt: library.func('int setsockopt(int fd, int level, int name, void *value, uint32_t length)'),
    getsockopt: library.func('int getsockopt(int fd, int level, int name, _Out_ void *value, _Inout_ void *length)'),
    close: library.func('int close(int fd)'),
    fcntl: (fd, command, argument) => fcntl(fd, command, 'int', argument),
    schedGetscheduler: library.func('int sched_getscheduler(int pid)'),
    schedSetscheduler: library.func('int sched_setscheduler(int pid, int policy, void *parameters)'),
    mallocTrim: library.func('int malloc_trim(size_t pad)'),
    madvise: library.func('int madvise(uintptr_t address, size_t length, int advice)'),
    errno: () => koffi.errno(),
  };
}

export const libc: Libc = loadLibc();

/** A system call that failed: `code` is the errno's name (`EADDRINUSE`), the message says what was tried. */
export class SystemCallError extends CodedError {
  readonly errno: number;

  constructor(call: string, what: string, errno: number) {
    const name = errnoName(errno);
    super(name, `${call}: ${what}: ${name}`, hintFor(name));
    this.name = 'SystemCallError';
    this.errno = errno;
  }
}

function errnoName(errno: number): string {
  for (const [name, value] of Object.entries(constants.errno)) if (value === errno) return name;
  return `errno ${errno}`;
}

function hintFor(name: string): { hint?: string } {
  return name === 'EPERM' ? { hint: 'run this as root, or with CAP_SYS_ADMIN and CAP_NET_ADMIN' } : {};
}

/** Throws a {@link SystemCallError} when `result` is negative; gives it back otherwise. */
export function checked(result: number, call: string, what: string): number {
  if (result < 0) throw new SystemCallError(call, what, libc.errno());
  return result;
}
