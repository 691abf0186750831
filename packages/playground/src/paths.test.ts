import { describe, expect, it } from '@jest/globals';
import { agentSocket, nodeNetns, playgroundPaths, podNetns } from './paths.ts';

describe('playgroundPaths', () => {
  it('keeps playgrounds of other names and of other roots apart', () => {
    const prefixes = [
      playgroundPaths('a', '/run/x'),
      playgroundPaths('b', '/run/x'),
      playgroundPaths('a', '/run/y'),
    ].map((paths) => paths.netnsPrefix);
    expect(new Set(prefixes).size).toBe(3);
  });

  it.each(['', '-a', 'A', 'a/b', '..', 'a b', 'x'.repeat(41)])('refuses the name %j', (name) => {
    expect(() => playgroundPaths(name, '/run/x')).toThrow('cannot name a playground');
  });

  it('keeps the sockets of the longest name within the 107 bytes of a unix address', () => {
    const paths = playgroundPaths('x'.repeat(40), '/run/tulle/playgrounds');
    expect(agentSocket(paths, 'n1').length).toBeLessThanOrEqual(107);
  });
});

describe('podNetns', () => {
  const paths = playgroundPaths('a', '/run/x');

  it("differs for a pod of the same name that came later, and is never a node's", () => {
    const pod = { namespace: 'n1', name: 'n1' };
    const names = ['aaaaaa-1', 'bbbbbb-2'].map((uid) => podNetns(paths, { ...pod, uid }));
    expect(new Set([...names, nodeNetns(paths, 'n1')]).size).toBe(3);
  });

  it('is no longer than a file name may be', () => {
    const pod = { namespace: 'n'.repeat(63), name: 'p'.repeat(253), uid: 'aaaaaa-1' };
    expect(podNetns(paths, pod).length).toBeLessThanOrEqual(255);
  });
});
