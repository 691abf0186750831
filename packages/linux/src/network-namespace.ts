import { closeSync, fstatSync, openSync } from 'node:fs';
import { checked, libc, SystemCallError } from './libc.ts';

const CLONE_NEWNET = 0x40000000;

/** The namespace that this thread was started in, to come back to; opened once and kept. */
let homeFd: number | undefined;

/**
 * A network namespace held by an open descriptor, so that it stays reachable (and is told from a later one of the same
 * path) until it is closed.
 */
export class NetworkNamespace implements Disposable {
  readonly path: string;
  /** The namespace's inode: two handles with the same one mean the same namespace. */
  readonly inode: number;
  #fd: number;

  private constructor(path: string, fd: number, inode: number) {
    this.path = path;
    this.#fd = fd;
    this.inode = inode;
  }

  /** Opens the namespace at `path` (`/run/netns/NAME`, `/proc/PID/ns/net`). Throws Node's file errors. */
  static open(path: string): NetworkNamespace {
    const fd = openSync(path, 'r');
    return new NetworkNamespace(path, fd, fstatSync(fd).ino);
  }

  /**
   * Runs `action` with the calling thread inside the namespace and comes back, whatever happens. The action must be
   * synchronous: sockets that it makes with {@link openTcpSocket} or {@link openTcpListener} belong to the namespace
   * for ever, but Node's own `connect` and `listen` make theirs later, outside.
   */
  run<T>(action: () => T): T {
    homeFd ??= openSync('/proc/thread-self/ns/net', 'r');
    checked(libc.setns(this.#fd, CLONE_NEWNET), 'setns', `entering network namespace ${this.path}`);
    try {
      return action();
    } finally {
      if (libc.setns(homeFd, CLONE_NEWNET) < 0) {
        // A thread that is lost in a pod's namespace would open every later socket there: it must not go on.
        const error = new SystemCallError('setns', 'leaving a network namespace', libc.errno());
        process.stderr.write(`${error.message}\n`);
        process.abort();
      }
    }
  }

  close(): void {
    if (this.#fd < 0) return;
    closeSync(this.#fd);
    this.#fd = -1;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
