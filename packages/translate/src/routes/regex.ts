import { RE2JS } from 're2js';

/** Why `pattern` is no regular expression in RE2 syntax, in words; undefined when it is one. */
export function regexProblem(pattern: string): string | undefined {
  try {
    RE2JS.compile(pattern);
    return undefined;
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    return `"${pattern}" is no regular expression in RE2 syntax: ${reason}`;
  }
}

/** `text` as a regular expression that matches nothing else. */
export function quoteRegex(text: string): string {
  return RE2JS.quote(text);
}
