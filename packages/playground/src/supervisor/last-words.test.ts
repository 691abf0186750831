import { describe, expect, it } from '@jest/globals';
import { lastWords, lastWordsIn } from './last-words.ts';

describe('the last words of a part of the mesh', () => {
  it('are its last lines, each once, however often it was started', () => {
    const once = 'first\n\nerror: the address is taken\n';
    expect(lastWords(once.repeat(3))).toEqual(['first', 'error: the address is taken']);
    expect(lastWords('1\n2\n3\n4\n5\n')).toEqual(['3', '4', '5']);
  });

  it('are text for people also where the log is for programs', () => {
    expect(lastWords('{"level":50,"time":1,"msg":"cannot start","error":"EADDRINUSE"}\n')).toEqual([
      'cannot start: EADDRINUSE',
    ]);
    expect(lastWords('{"level":50}\n{ no json\n')).toEqual(['{"level":50}', '{ no json']);
  });

  it('are none where there is no log', () => {
    expect(lastWordsIn('/nonexistent/log')).toEqual([]);
  });
});
