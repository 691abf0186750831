import { rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { FakeClock, RecordingLogger, temporaryDirectory } from '@tulle/testkit';
import { NodeTokenAuthenticator } from './index.ts';

describe('NodeTokenAuthenticator', () => {
  it('follows the directory: new tokens, changed tokens, removed tokens', () => {
    using dir = temporaryDirectory();
    const clock = new FakeClock();
    const logger = new RecordingLogger();
    const nodes = new NodeTokenAuthenticator({ directory: dir.path, clock, logger });
    const node = (token: string) => {
      clock.advance(1000);
      const result = nodes.authenticate(token);
      return result.ok ? result.value.node : result.error.code;
    };
    expect(node('token-number-one-x')).toBe('unknown-token');
    writeFileSync(dir.file('n1'), 'token-number-one-x\n');
    writeFileSync(dir.file('n2.example'), 'token-number-two-x');
    expect(node('token-number-one-x')).toBe('n1');
    expect(node('token-number-two-x')).toBe('n2.example');
    writeFileSync(dir.file('n1'), 'token-number-three');
    expect(node('token-number-one-x')).toBe('unknown-token');
    expect(node('token-number-three')).toBe('n1');
    rmSync(dir.file('n1'));
    expect(node('token-number-three')).toBe('unknown-token');
    rmSync(dir.path, { recursive: true });
    expect(node('token-number-two-x')).toBe('unknown-token');
    expect(logger.lines.at(-1)).toMatchObject({ level: 'error', fields: { directory: dir.path } });
  });

  it('knows a removed token for at most a second', () => {
    using dir = temporaryDirectory();
    const clock = new FakeClock();
    const nodes = new NodeTokenAuthenticator({ directory: dir.path, clock, logger: new RecordingLogger() });
    writeFileSync(dir.file('n1'), 'token-number-one-x');
    expect(nodes.authenticate('token-number-one-x').ok).toBe(true);
    rmSync(dir.file('n1'));
    clock.advance(1000);
    expect(nodes.authenticate('token-number-one-x').ok).toBe(false);
  });

  it.each([
    ['an empty file', 'n1', ''],
    ['a short token', 'n1', 'short'],
    ['a name that no node has', 'N1', 'token-number-one-x'],
    ['a file that is too long', 'n1', 'x'.repeat(5000)],
  ])('lets nobody in by %s, and says so', (_name, name, token) => {
    using dir = temporaryDirectory();
    const logger = new RecordingLogger();
    const nodes = new NodeTokenAuthenticator({ directory: dir.path, clock: new FakeClock(), logger });
    writeFileSync(dir.file(name), token);
    expect(nodes.authenticate(token).ok).toBe(false);
    expect(nodes.authenticate('').ok).toBe(false);
    expect(logger.lines).toEqual([expect.objectContaining({ level: 'warn', message: 'a node token file is ignored' })]);
  });
});
