import { CodedError } from '@tulle/core';
import type { LoadResult } from '../model.ts';
import { runOrThrow } from '../programs.ts';
import { loadMarginMs } from './target.ts';
import type { LoadTarget } from './target.ts';

/** Sends bytes over `streams` connections for so long. */
export async function runIperf(
  target: LoadTarget,
  options: { readonly streams: number; readonly seconds: number; readonly signal: AbortSignal },
): Promise<LoadResult> {
  const argv = [
    '-c',
    target.host,
    '-p',
    `${target.port}`,
    '-t',
    `${options.seconds}`,
    '-P',
    `${options.streams}`,
    '-J',
  ];
  const stdout = await runOrThrow('iperf3', argv, {
    netns: target.netns,
    timeoutMs: options.seconds * 1000 + loadMarginMs,
    signal: options.signal,
  });
  return parseIperf(stdout);
}

/** Reads iperf3's JSON: what the receiver got. Throws a CodedError `LoadFailed` where there is none. */
export function parseIperf(stdout: string): LoadResult {
  const document = JSON.parse(stdout) as {
    readonly error?: string;
    readonly end?: { readonly sum_received?: { readonly bits_per_second: number; readonly seconds: number } };
  };
  const received = document.end?.sum_received;
  if (document.error !== undefined || received === undefined)
    throw new CodedError('LoadFailed', `iperf3: ${document.error ?? 'no result'}`);
  return {
    requests: null,
    seconds: received.seconds,
    p50Ms: null,
    p99Ms: null,
    p999Ms: null,
    gigabits: received.bits_per_second / 1e9,
    errors: 0,
  };
}
