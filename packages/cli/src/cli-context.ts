import { createColors } from 'picocolors';

/** Colours; each function returns its text unchanged when colours are off. */
export type Colors = ReturnType<typeof createColors>;

/** What a command reads of its surroundings and where it writes: injected, so that tests see every byte. */
export interface CliContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Colours of standard output. */
  readonly colors: Colors;
  /** Writes to standard output. */
  print(text: string): void;
  /** Writes to standard error. */
  printError(text: string): void;
}

/** The surroundings of this process: colours only where standard output is a terminal that wants them (no-color.org). */
export function processContext(): CliContext {
  // What reads our output may stop early (`| head`): that is no failure of ours.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit();
    throw error;
  });
  // Undefined, as for a pipe, would let the library decide, which takes a set CI for a terminal.
  const terminal = process.stdout.isTTY ? process.env['TERM'] !== 'dumb' : false;
  return {
    env: process.env,
    colors: createColors(terminal && (process.env['NO_COLOR'] ?? '') === ''),
    print: (text) => void process.stdout.write(text),
    printError: (text) => void process.stderr.write(text),
  };
}
