import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { comparable, everySplit, readRequests, readResponses } from '../../test/http1-events.ts';

const root = fileURLToPath(new URL('../../corpus/http1/', import.meta.url));

function entries(direction: string): [rule: string, name: string, input: Buffer][] {
  return readdirSync(`${root}${direction}`).flatMap((rule) =>
    readdirSync(`${root}${direction}/${rule}`).map((name): [string, string, Buffer] => [
      rule,
      name,
      readFileSync(`${root}${direction}/${rule}/${name}`),
    ]),
  );
}

describe.each([
  ['requests', readRequests],
  ['responses', readResponses],
] as const)('the corpus of %s', (direction, read) => {
  it.each(entries(direction))('%s/%s', (rule, _name, input) => {
    const whole = read([input]);
    const { failure } = whole;
    if (rule === 'accepted') {
      expect(failure).toBeUndefined();
      expect(whole.end).toBe('complete');
    } else expect(failure?.rule).toBe(rule);
    const wanted = JSON.stringify(comparable(whole));
    for (const pieces of everySplit(input)) {
      for (const reuseChunks of [false, true]) {
        const reading = JSON.stringify(comparable(read(pieces, { reuseChunks })));
        if (reading !== wanted) expect([pieces.map(String), reading]).toEqual([input.toString(), wanted]);
      }
    }
  });
});
