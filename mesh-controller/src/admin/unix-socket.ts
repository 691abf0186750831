import { chmod, lstat, rm } from 'node:fs/promises';
import { createConnection, type Server } from 'node:net';
import { CodedError, errorMessage } from '@tulle/core';

/** Unix socket addresses are limited to 107 bytes (unix(7)). */
const maxPathBytes = 107;

/**
 * Lets `server` listen on a unix socket that only this user can connect to, in place of one that a dead process left.
 *
 * Throws a {@link CodedError} `SocketInUse` when somebody listens there, `CannotListen` for all else.
 */
export async function listenOnUnixSocket(server: Server, path: string): Promise<void> {
  if (Buffer.byteLength(path) > maxPathBytes) {
    throw new CodedError('CannotListen', `${path} is too long for a socket: at most ${maxPathBytes} bytes`);
  }
  await removeStaleSocket(path);
  // The mode is set when the socket is made: there is no moment at which others could connect.
  const previous = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, () => {
        server.off('error', reject);
        resolve();
      });
      process.umask(previous);
    });
  } catch (error) {
    throw new CodedError('CannotListen', `cannot listen on ${path}: ${errorMessage(error)}`, { cause: error });
  } finally {
    process.umask(previous);
  }
  await chmod(path, 0o600);
}

async function removeStaleSocket(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isSocket()) throw new CodedError('CannotListen', `${path} exists and is no socket`);
  if (await isListening(path)) throw new CodedError('SocketInUse', `somebody listens on ${path} already`);
  await rm(path, { force: true });
}

function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createConnection(path);
    const answer = (listening: boolean) => {
      probe.destroy();
      resolve(listening);
    };
    probe.once('connect', () => answer(true));
    probe.once('error', () => answer(false));
  });
}
