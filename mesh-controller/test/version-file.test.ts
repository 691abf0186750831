import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { RecordingLogger, temporaryDirectory } from '@tulle/testkit';
import { VersionFile } from '../src/server/version-file.ts';

describe('VersionFile', () => {
  it('goes on where the process before it ended', () => {
    using directory = temporaryDirectory();
    const first = new VersionFile(directory.file('state'), new RecordingLogger());
    expect(first.last).toBe(0);
    first.note('v1');
    first.note('v7');
    expect(new VersionFile(directory.file('state'), new RecordingLogger()).last).toBe(7);
  });

  it.each(['', 'seven', '-1', '1.5', '1e400'])('begins anew after a file that says %j', (text) => {
    using directory = temporaryDirectory();
    writeFileSync(directory.file('config-version'), text);
    expect(new VersionFile(directory.path, new RecordingLogger()).last).toBe(0);
  });

  it('writes only what is new, and lives with a directory that it cannot write', () => {
    using directory = temporaryDirectory();
    const file = new VersionFile(directory.path, new RecordingLogger());
    file.note('v3');
    writeFileSync(directory.file('config-version'), 'untouched');
    file.note('v3');
    expect(readFileSync(directory.file('config-version'), 'utf8')).toBe('untouched');
    const logger = new RecordingLogger();
    new VersionFile(directory.file('config-version'), logger).note('v1');
    expect(logger.lines).toMatchObject([{ level: 'warn' }]);
  });
});
