import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { generate } from '../generate.ts';

const directory = join(import.meta.dirname, 'generated');

describe('src/generated', () => {
  it('is what `node packages/gateway-api/generate.ts` makes of the CRDs', () => {
    const files = generate();
    expect(readdirSync(directory).sort()).toEqual([...files.keys()].sort());
    for (const [name, text] of files)
      expect([name, readFileSync(join(directory, name), 'utf8') === text]).toEqual([name, true]);
  });
});
