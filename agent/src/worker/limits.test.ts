import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { defaultLimits, limitNames } from './limits.ts';

it('the table of the documents is the one of the code', () => {
  const text = readFileSync(join(import.meta.dirname, '../../../docs/limits.md'), 'utf8');
  const rows = [...text.matchAll(/^\| `([a-z-]+)` +\| (\d+) /gm)].map(([, name, value]) => [name, Number(value)]);
  expect(rows).toEqual([...limitNames].map(([name, key]) => [name, defaultLimits[key]]));
});
