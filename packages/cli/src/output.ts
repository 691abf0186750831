import { Option, type Command } from 'commander';
import type { CliContext } from './cli-context.ts';

/** How a command prints what it found. */
export type OutputFormat = 'table' | 'json' | 'yaml';

/** Adds `-o table|json|yaml` to a command. */
export function addOutputOption(command: Command): Command {
  return command.addOption(
    new Option('-o, --output <format>', 'how to print: for people, or the same data for programs')
      .choices(['table', 'json', 'yaml'])
      .default('table'),
  );
}

/** Prints `document` as JSON or YAML, or the lines of `table`, which is asked only when it is wanted. */
export async function printDocument(
  context: CliContext,
  format: OutputFormat,
  document: object,
  table: () => readonly string[],
): Promise<void> {
  switch (format) {
    case 'table':
      context.print(
        table()
          .map((line) => `${line}\n`)
          .join(''),
      );
      return;
    case 'json':
      context.print(`${JSON.stringify(document, null, 2)}\n`);
      return;
    case 'yaml': {
      const { stringify } = await import('yaml');
      context.print(stringify(document, { lineWidth: 0 }));
    }
  }
}
