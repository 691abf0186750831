import { readFileSync } from 'node:fs';

const shownLines = 3;

/** The last lines of a log for people; nothing when there is no log. */
export function lastWordsIn(path: string): string[] {
  try {
    return lastWords(readFileSync(path, 'utf8'));
  } catch {
    return [];
  }
}

/** The last different lines of what a part of the mesh wrote, without what only programs read. */
export function lastWords(log: string): string[] {
  const lines: string[] = [];
  for (const line of log.split('\n')) {
    const text = plainText(line.trim());
    if (text === '') continue;
    const before = lines.indexOf(text);
    if (before >= 0) lines.splice(before, 1);
    lines.push(text);
  }
  return lines.slice(-shownLines);
}

/** A line of structured logging as `message: error`; any other line as it is. */
function plainText(line: string): string {
  if (!line.startsWith('{')) return line;
  let entry: unknown;
  try {
    entry = JSON.parse(line);
  } catch {
    return line;
  }
  if (typeof entry !== 'object' || entry === null) return line;
  const words = ['msg', 'error', 'why'].flatMap((name) => {
    const value: unknown = Reflect.get(entry, name);
    return typeof value === 'string' ? [value] : [];
  });
  return words.length === 0 ? line : words.join(': ');
}
