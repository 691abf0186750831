import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { http1Targets } from './http1-targets.ts';
import { http2Targets } from './http2-targets.ts';
import { tlsTargets } from './tls-targets.ts';
import type { FuzzTarget } from './target.ts';

export const fuzzTargets = [...http1Targets, ...http2Targets, ...tlsTargets];

const root = join(import.meta.dirname, '../corpus');

/** The inputs of a folder of the corpus and the folders in it, each with its path. */
export function corpusOf(folder: string): readonly (readonly [path: string, input: Buffer])[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => [path.slice(root.length + 1), readFileSync(path)] as const);
}

/** An input that fuzzing came upon, and what it makes happen. */
export interface LearnedInput {
  /** One character a byte. */
  readonly input: string;
  readonly happens: string;
}

const learnedFile = (target: string): string => join(root, 'learned', `${target}.json`);

/** What fuzzing has learned of a parser so far. */
export function learnedOf(target: string): readonly LearnedInput[] {
  const file = learnedFile(target);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as LearnedInput[]) : [];
}

/** Adds to what was learned of a parser. */
export function learn(
  target: string,
  found: readonly { readonly happens: string; readonly input: Uint8Array }[],
): void {
  const added = found.map(({ happens, input }) => ({ input: Buffer.from(input).toString('latin1'), happens }));
  const lines = [...learnedOf(target), ...added].map((entry) => JSON.stringify(entry));
  if (added.length > 0) writeFileSync(learnedFile(target), `[\n${lines.join(',\n')}\n]\n`);
}

/** All first inputs of a parser: the hand-made ones of its folder, and what was learned. */
export function inputsOf({ name, corpus }: FuzzTarget): readonly Buffer[] {
  return [
    ...corpusOf(corpus).map(([, input]) => input),
    ...learnedOf(name).map(({ input }) => Buffer.from(input, 'latin1')),
  ];
}
