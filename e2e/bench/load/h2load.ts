import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CodedError } from '@tulle/core';
import type { LoadResult } from '../model.ts';
import { grpcMessage, grpcPath } from '../peers/backend.ts';
import { runOrThrow } from '../programs.ts';
import { loadMarginMs } from './target.ts';
import type { LoadTarget } from './target.ts';

/** What a run of h2load does. */
export interface H2loadOptions {
  readonly connections: number;
  readonly streams: number;
  /** Unary gRPC calls (a framed message each way) instead of GET requests. */
  readonly grpc: boolean;
  readonly seconds: number;
  readonly signal: AbortSignal;
}

/** Loads with HTTP/2 in plaintext (prior knowledge) in a closed loop, with one thread. */
export async function runH2load(target: LoadTarget, options: H2loadOptions): Promise<LoadResult> {
  const directory = mkdtempSync(join(tmpdir(), 'tulle-h2load-'));
  const message = join(directory, 'message');
  try {
    writeFileSync(message, grpcMessage);
    const load = ['-t', '1', '-c', `${options.connections}`, '-m', `${options.streams}`, '-D', `${options.seconds}`];
    const call = ['-d', message, '-H', 'content-type: application/grpc', '-H', 'te: trailers'];
    const url = `http://${target.host}:${target.port}${options.grpc ? grpcPath : '/'}`;
    const stdout = await runOrThrow('h2load', [...load, ...(options.grpc ? call : []), url], {
      netns: target.netns,
      timeoutMs: options.seconds * 1000 + loadMarginMs,
      signal: options.signal,
    });
    return parseH2load(stdout, options.seconds);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Reads what h2load prints; it knows no percentiles. Throws a CodedError `LoadFailed` where there is no result. */
export function parseH2load(stdout: string, seconds: number): LoadResult {
  const counts = /(\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout/.exec(stdout);
  const statuses = /status codes: (\d+) 2xx/.exec(stdout);
  if (counts === null || statuses === null)
    throw new CodedError('LoadFailed', `h2load printed no result: ${stdout.slice(-500)}`);
  const [done = 0, , failed = 0] = counts.slice(1).map(Number);
  const good = Number(statuses[1]);
  const bad = Math.max(failed, done - good);
  return {
    requests: good,
    seconds,
    p50Ms: null,
    p99Ms: null,
    p999Ms: null,
    gigabits: null,
    errors: good === 0 ? Math.max(1, bad) : bad,
  };
}
