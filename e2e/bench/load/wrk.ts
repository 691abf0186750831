import { join } from 'node:path';
import { CodedError } from '@tulle/core';
import type { LoadResult } from '../model.ts';
import { runOrThrow } from '../programs.ts';
import { loadMarginMs } from './target.ts';
import type { LoadTarget } from './target.ts';

const script = join(import.meta.dirname, 'wrk-report.lua');

/** What a run of wrk does. */
export interface WrkOptions {
  readonly connections: number;
  readonly path: string;
  readonly closing: boolean;
  /** Fields of every request. */
  readonly headers?: { readonly [name: string]: string };
  readonly seconds: number;
  readonly signal: AbortSignal;
}

/** Loads with HTTP/1.1 in a closed loop, with one thread. */
export async function runWrk(target: LoadTarget, options: WrkOptions): Promise<LoadResult> {
  const argv = [
    '-t',
    '1',
    '-c',
    `${options.connections}`,
    '-d',
    `${options.seconds}s`,
    '--timeout',
    '5s',
    '-s',
    script,
  ];
  for (const [name, value] of Object.entries(options.headers ?? {})) argv.push('-H', `${name}: ${value}`);
  if (options.closing) argv.push('-H', 'Connection: close');
  const stdout = await runOrThrow('wrk', [...argv, `http://${target.host}:${target.port}${options.path}`], {
    netns: target.netns,
    timeoutMs: options.seconds * 1000 + loadMarginMs,
    signal: options.signal,
  });
  return parseWrk(stdout);
}

interface WrkCounts {
  readonly requests: number;
  readonly micros: number;
  readonly bytes: number;
  readonly connect: number;
  readonly read: number;
  readonly write: number;
  readonly status: number;
  readonly timeout: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

/** Reads the line that `wrk-report.lua` prints; throws a CodedError `LoadFailed` when it is not there. */
export function parseWrk(stdout: string): LoadResult {
  const line = /^RESULT (\{.*\})$/m.exec(stdout)?.[1];
  if (line === undefined) throw new CodedError('LoadFailed', `wrk printed no result: ${stdout.slice(-500)}`);
  const counts = JSON.parse(line) as WrkCounts;
  const seconds = counts.micros / 1e6;
  const failed = counts.connect + counts.read + counts.write + counts.status + counts.timeout;
  return {
    requests: counts.requests,
    seconds,
    p50Ms: counts.p50 / 1000,
    p99Ms: counts.p99 / 1000,
    p999Ms: counts.p999 / 1000,
    gigabits: (counts.bytes * 8) / seconds / 1e9,
    // wrk counts nothing for connections on which no answer ever comes.
    errors: counts.requests === 0 ? Math.max(1, failed) : failed,
  };
}
