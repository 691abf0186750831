import { closeSync, existsSync, readFileSync, writeSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { temporaryDirectory } from '@tulle/testkit';
import { boundLog, openLog } from './log-file.ts';

describe('boundLog', () => {
  it('empties a log that has grown too large while its writer goes on, and keeps what it held', () => {
    using directory = temporaryDirectory();
    const path = directory.file('x.log');
    const fd = openLog(path);
    writeSync(fd, 'one\ntwo\n');
    boundLog(path, 8);
    expect(existsSync(`${path}.1`)).toBe(false);
    writeSync(fd, 'three\n');
    boundLog(path, 8);
    writeSync(fd, 'four\n');
    closeSync(fd);
    expect(readFileSync(`${path}.1`, 'utf8')).toBe('one\ntwo\nthree\n');
    expect(readFileSync(path, 'utf8')).toBe('four\n');
  });

  it('does not mind a log that is not there', () => {
    using directory = temporaryDirectory();
    expect(() => boundLog(directory.file('none.log'))).not.toThrow();
  });
});
