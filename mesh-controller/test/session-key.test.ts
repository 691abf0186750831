import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { isSessionKey, sessionKeyOfFile } from '../src/server/session-key.ts';

describe('the key of sessions in a file', () => {
  let directory: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'tulle-session-key-'));
  });

  afterEach(() => rmSync(directory, { recursive: true }));

  it('is made once, for its owner alone, and is the same afterwards', () => {
    const path = join(directory, 'state', 'session.key');
    const key = sessionKeyOfFile(path);
    expect(isSessionKey(key)).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(sessionKeyOfFile(path)).toBe(key);
    expect(readFileSync(path, 'utf8')).toBe(`${key}\n`);
  });

  it('says which file holds no key, and what to do', () => {
    const path = join(directory, 'session.key');
    writeFileSync(path, 'short');
    expect(() => sessionKeyOfFile(path)).toThrow(
      expect.objectContaining({ code: 'session-key', message: expect.stringContaining(path) as unknown }),
    );
  });

  it('says why a file cannot be read', () => {
    expect(() => sessionKeyOfFile(directory)).toThrow(expect.objectContaining({ code: 'session-key' }));
  });
});
