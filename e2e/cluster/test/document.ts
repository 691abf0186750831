/** A fenced block of a Markdown document. */
export interface CodeBlock {
  readonly language: string;
  readonly text: string;
}

/** The text below a heading, up to the next of its level. */
export function section(markdown: string, heading: string): string {
  const [, after = ''] = markdown.split(`\n## ${heading}\n`);
  return after.split('\n## ')[0] ?? '';
}

/** The fenced blocks of a text, in order. */
export function codeBlocks(markdown: string): CodeBlock[] {
  return [...markdown.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language = '', text = '']) => ({
    language,
    text,
  }));
}

/**
 * The lines of `expected` that `shown` lacks, in order. Numbers may differ, and so may spaces; `…` stands for anything.
 */
export function missingLines(expected: readonly string[], shown: readonly string[]): string[] {
  const left = [...shown];
  return expected.filter((line) => {
    const at = left.findIndex((each) => patternOf(line).test(each));
    if (at >= 0) left.splice(0, at + 1);
    return at < 0;
  });
}

/** Says how counts (`900 NAME` on a line) differ from the expected by more than a share of their sum, if they do. */
export function unlikeCounts(
  expected: readonly string[],
  shown: readonly string[],
  tolerance: number,
): string | undefined {
  const [wanted, found] = [countsOf(expected), countsOf(shown)];
  const sum = [...wanted.values()].reduce((total, count) => total + count, 0);
  for (const name of new Set([...wanted.keys(), ...(sum > 0 ? found.keys() : [])])) {
    const [want, got] = [wanted.get(name) ?? 0, found.get(name) ?? 0];
    if (Math.abs(want - got) > tolerance * sum) return `${name}: ${got} instead of ${want}`;
  }
  return undefined;
}

function countsOf(lines: readonly string[]): Map<string, number> {
  const found = lines.flatMap((line) => {
    const [, count, name] = /^\s*(\d+) (\S+)$/.exec(line) ?? [];
    return count === undefined || name === undefined ? [] : [[name, Number(count)] as const];
  });
  return new Map(found);
}

function patternOf(line: string): RegExp {
  const escaped = line
    .trim()
    .replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
    .replaceAll('…', '.*')
    .replaceAll(/\s+/g, '\\s+')
    .replaceAll(/\d+/g, '\\d+');
  return new RegExp(`^\\s*${escaped}\\s*$`);
}
