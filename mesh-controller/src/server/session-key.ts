import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { CodedError, errorMessage } from '@tulle/core';

const keyBytes = 32;

/** A new key for signing sessions, base64url. */
export function newSessionKey(): string {
  return randomBytes(keyBytes).toString('base64url');
}

/** Whether `text` is a key as {@link newSessionKey} makes them. */
export function isSessionKey(text: string): boolean {
  return Buffer.from(text, 'base64url').length === keyBytes;
}

/**
 * The key in a file, which is made on first use, for its owner alone. It has nothing to do with the authority's root, so
 * that sessions outlive a root that is replaced, and work where the authority is somebody else's. Throws a
 * {@link CodedError} `session-key` where the file cannot be read or made, or is no key.
 */
export function sessionKeyOfFile(path: string): string {
  try {
    mkdirSync(dirname(path), { recursive: true });
    if (!existsSync(path)) writeFileSync(path, `${newSessionKey()}\n`, { mode: 0o600, flag: 'wx' });
    const key = readFileSync(path, 'utf8').trim();
    if (isSessionKey(key)) return key;
  } catch (cause) {
    throw new CodedError('session-key', `the key of sessions ${path}: ${errorMessage(cause)}`);
  }
  throw new CodedError('session-key', `the key of sessions ${path}: expected ${keyBytes} bytes in base64url`, {
    hint: 'delete the file: a new key is made, and sessions begin anew',
  });
}
