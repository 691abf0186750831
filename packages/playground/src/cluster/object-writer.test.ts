import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { temporaryDirectory } from '@tulle/testkit';
import { ObjectWriter } from './object-writer.ts';

describe('ObjectWriter', () => {
  it('writes what is new or changed, removes what is gone, and touches nothing else', () => {
    using directory = temporaryDirectory();
    const writer = new ObjectWriter(directory.path);
    expect(
      writer.write(
        new Map([
          ['a.json', '1'],
          ['b.json', '2'],
        ]),
      ),
    ).toBe(true);
    // If it wrote this one again, it would be back.
    rmSync(directory.file('a.json'));
    expect(
      writer.write(
        new Map([
          ['a.json', '1'],
          ['c.json', '3'],
        ]),
      ),
    ).toBe(true);
    expect(readdirSync(directory.path)).toEqual(['c.json']);
    expect(
      writer.write(
        new Map([
          ['a.json', '1'],
          ['c.json', '3'],
        ]),
      ),
    ).toBe(false);
    expect(
      writer.write(
        new Map([
          ['a.json', '4'],
          ['c.json', '3'],
        ]),
      ),
    ).toBe(true);
    expect(readFileSync(directory.file('a.json'), 'utf8')).toBe('4');
  });
});
