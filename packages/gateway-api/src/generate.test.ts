import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { generate } from '../generate.ts';

const directory = join(import.meta.dirname, 'generated');

describe('src/generated', () => {
  it('is what `npm run generate` makes of the CRDs', () => {
    const files = generate();
    const names = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) => name.includes('.'));
    expect(names.sort()).toEqual([...files.keys()].sort());
    for (const [name, text] of files)
      expect([name, readFileSync(join(directory, name), 'utf8') === text]).toEqual([name, true]);
  });
});
