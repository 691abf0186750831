import { Worker } from 'node:worker_threads';
import { fuzzTargets } from './corpus.ts';

/** What the thread is told. */
export interface FuzzWork {
  readonly seed: number;
  readonly endsAtMs: number;
  /** How many runs there were, and the input of the one under way: what is left when the thread hangs or dies. */
  readonly shared: SharedArrayBuffer;
}

export const runsAt = 0;
export const lengthAt = 1;
export const targetAt = 2;
/** Bytes before the input. */
export const inputAt = 16;

/** An input that is not read within this time is a finding. */
const hangMs = 10_000;

/** What came of fuzzing. */
export interface FuzzResult {
  readonly seed: number;
  readonly runs: number;
  /** For each target how many different things were seen to happen. */
  readonly behaviours: Readonly<Record<string, number>>;
  readonly finding: { readonly target: string; readonly input: Buffer; readonly why: string } | undefined;
}

/** Feeds changed inputs of the corpus to every parser for some time, and stops at the first fault. */
export async function fuzz(options: { readonly forMs: number; readonly seed: number }): Promise<FuzzResult> {
  const { forMs, seed } = options;
  const shared = new SharedArrayBuffer(inputAt + 8192);
  const counts = new Int32Array(shared, 0, 4);
  const workerData: FuzzWork = { seed, endsAtMs: Date.now() + forMs, shared };
  const thread = new Worker(new URL('./fuzz-thread.ts', import.meta.url), { workerData });
  let behaviours: readonly number[] = [];
  const why = await new Promise<string | undefined>((resolve) => {
    let runsBefore = -1;
    const watch = setInterval(() => {
      const runs = Atomics.load(counts, runsAt);
      if (runs === runsBefore) resolve(`not read within ${hangMs / 1000} s`);
      runsBefore = runs;
    }, hangMs);
    thread.on('message', (kept: readonly number[]) => (behaviours = kept));
    thread.on('error', (error) => resolve(error instanceof Error ? (error.stack ?? error.message) : String(error)));
    thread.on('exit', () => {
      clearInterval(watch);
      resolve(undefined);
    });
  });
  await thread.terminate();
  const runs = counts[runsAt] as number;
  const names = fuzzTargets.map(({ name }) => name);
  return {
    seed,
    runs,
    behaviours: Object.fromEntries(names.map((name, i) => [name, behaviours[i] ?? 0])),
    finding:
      why === undefined
        ? undefined
        : {
            target: names[counts[targetAt] as number] ?? '?',
            input: Buffer.from(new Uint8Array(shared, inputAt, counts[lengthAt])),
            why,
          },
  };
}
