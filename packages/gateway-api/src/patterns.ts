import { RE2JS } from 're2js';

/** No value that a pattern is meant for is longer; the schemas' own limits are below this. */
const maxSubjectLength = 16_384;

/**
 * Compiled regular expressions in RE2 syntax, matched in linear time. Longer subjects than 16,384 characters never
 * match.
 */
export class PatternCache {
  readonly #compiled = new Map<string, RE2JS>();

  /** Whether `pattern` is found in `subject`. Throws when the pattern is not RE2 syntax. */
  test(pattern: string, subject: string): boolean {
    return subject.length <= maxSubjectLength && this.#compile(pattern).test(subject);
  }

  #compile(pattern: string): RE2JS {
    const known = this.#compiled.get(pattern);
    if (known !== undefined) return known;
    const compiled = RE2JS.compile(pattern);
    this.#compiled.set(pattern, compiled);
    return compiled;
  }
}
