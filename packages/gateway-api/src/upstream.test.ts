import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { decodeObject } from './decode.ts';
import { formatObjectError, type ObjectError } from './object-error.ts';

/** The release's own examples: the comment before each names its file. */
function examples(name: string): readonly (readonly [string, unknown])[] {
  const text = readFileSync(join(import.meta.dirname, '..', 'testdata', `upstream-${name}.yaml`), 'utf8');
  return parseAllDocuments(text).map((document) => {
    const value: unknown = document.toJS();
    return [(document.commentBefore ?? document.contents?.commentBefore ?? '').trim().split('\n')[0] ?? '', value];
  });
}

const isForOthers = ([, input]: readonly [string, unknown]) => {
  const decoded = decodeObject(input);
  return !decoded.ok && decoded.error[0]?.code === 'unknown-kind';
};

describe("the release's examples", () => {
  const valid = examples('valid').filter((example) => !isForOthers(example));
  const invalid = examples('invalid').filter((example) => !isForOthers(example));

  it('are there', () => {
    expect([valid.length > 50, invalid.length > 20]).toEqual([true, true]);
  });

  it.each(valid)('%s is accepted, every field known', (_, input) => {
    const warnings: ObjectError[] = [];
    const decoded = decodeObject(input, { onWarning: (warning) => warnings.push(warning) });
    expect(decoded.ok ? [] : decoded.error.map(formatObjectError)).toEqual([]);
    expect(warnings.map(formatObjectError)).toEqual([]);
  });

  it.each(invalid)('%s is refused', (_, input) => {
    expect(decodeObject(input).ok).toBe(false);
  });
});
