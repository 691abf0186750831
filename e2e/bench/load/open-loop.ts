import { join } from 'node:path';
import type { LoadResult } from '../model.ts';
import { runOrThrow } from '../programs.ts';
import type { OpenLoopCounts } from './open-loop-client.ts';
import { loadMarginMs } from './target.ts';
import type { LoadTarget } from './target.ts';

const client = join(import.meta.dirname, 'open-loop-client.ts');

/** Sends requests at fixed times, whatever becomes of them. Latency counts from the time a request was due. */
export async function runOpenLoop(
  target: LoadTarget,
  options: { readonly perSecond: number; readonly seconds: number; readonly signal: AbortSignal },
): Promise<LoadResult> {
  const argv = ['--disable-warning=ExperimentalWarning', client, target.host, `${target.port}`];
  const stdout = await runOrThrow(process.execPath, [...argv, `${options.perSecond}`, `${options.seconds}`], {
    netns: target.netns,
    timeoutMs: options.seconds * 1000 + loadMarginMs,
    signal: options.signal,
  });
  const counts = JSON.parse(stdout) as OpenLoopCounts;
  return {
    requests: counts.answered,
    seconds: options.seconds,
    p50Ms: counts.p50Ms,
    p99Ms: counts.p99Ms,
    p999Ms: counts.p999Ms,
    gigabits: null,
    errors: counts.errors,
  };
}
