import { Worker } from 'node:worker_threads';
import { fuzzTargets } from './corpus.ts';

/** What the thread is told. */
export interface FuzzWork {
  /** Which of the parsers. */
  readonly target: number;
  readonly seed: number;
  readonly endsAtMs: number;
  /** How many inputs by which something new happened are given back, the shortest. */
  readonly maxLearned: number;
  /** How many runs there were, and the input of the one under way: what is left when the thread hangs or dies. */
  readonly shared: SharedArrayBuffer;
}

export const runsAt = 0;
export const lengthAt = 1;
/** Bytes before the input. */
export const inputAt = 8;

/** An input that is not read within this time is a finding. */
const hangMs = 10_000;

/** An input by which something happened that no input of the corpus had shown. */
export interface FuzzLearned {
  readonly happens: string;
  readonly input: Uint8Array;
}

/** What came of fuzzing one parser. */
export interface FuzzResult {
  readonly target: string;
  readonly seed: number;
  readonly runs: number;
  /** How many different things were seen to happen. */
  readonly behaviours: number;
  readonly learned: readonly FuzzLearned[];
  readonly finding: { readonly input: Buffer; readonly why: string } | undefined;
}

/** The names of the parsers. */
export const fuzzedParsers: readonly string[] = fuzzTargets.map(({ name }) => name);

/** Feeds changed inputs of its corpus to one parser for some time, and stops at the first fault. */
export async function fuzz(options: {
  readonly target: string;
  readonly forMs: number;
  readonly seed: number;
  readonly maxLearned: number;
}): Promise<FuzzResult> {
  const { target, forMs, seed, maxLearned } = options;
  const shared = new SharedArrayBuffer(inputAt + 8192);
  const counts = new Int32Array(shared, 0, 2);
  const workerData: FuzzWork = {
    target: fuzzedParsers.indexOf(target),
    seed,
    endsAtMs: Date.now() + forMs,
    maxLearned,
    shared,
  };
  const thread = new Worker(new URL('./fuzz-thread.ts', import.meta.url), { workerData });
  let told: { readonly behaviours: number; readonly learned: readonly FuzzLearned[] } = { behaviours: 0, learned: [] };
  const why = await new Promise<string | undefined>((resolve) => {
    let runsBefore = -1;
    const watch = setInterval(() => {
      const runs = Atomics.load(counts, runsAt);
      if (runs === runsBefore) resolve(`not read within ${hangMs / 1000} s`);
      runsBefore = runs;
    }, hangMs);
    thread.on('message', (message: typeof told) => (told = message));
    thread.on('error', (error) => resolve(error instanceof Error ? (error.stack ?? error.message) : String(error)));
    thread.on('exit', () => {
      clearInterval(watch);
      resolve(undefined);
    });
  });
  await thread.terminate();
  const input = Buffer.from(new Uint8Array(shared, inputAt, counts[lengthAt]));
  return {
    target,
    seed,
    runs: counts[runsAt] as number,
    ...told,
    finding: why === undefined ? undefined : { input, why },
  };
}
