import { join } from 'node:path';
import type { LoadResult } from '../model.ts';
import { grpcStreamPath } from '../peers/backend.ts';
import { runOrThrow } from '../programs.ts';
import type { StreamCounts } from './grpc-stream-client.ts';
import { loadMarginMs } from './target.ts';
import type { LoadTarget } from './target.ts';

const client = join(import.meta.dirname, 'grpc-stream-client.ts');

/** Keeps calls open on which messages go there and back; a request of the figures is a message there and back. */
export async function runGrpcStream(
  target: LoadTarget,
  options: {
    readonly connections: number;
    readonly streams: number;
    readonly seconds: number;
    readonly signal: AbortSignal;
  },
): Promise<LoadResult> {
  const url = `http://${target.host}:${target.port}${grpcStreamPath}`;
  const numbers = [options.connections, options.streams, options.seconds].map(String);
  const argv = ['--disable-warning=ExperimentalWarning', client, url, ...numbers];
  const stdout = await runOrThrow(process.execPath, argv, {
    netns: target.netns,
    timeoutMs: options.seconds * 1000 + loadMarginMs,
    signal: options.signal,
  });
  const counts = JSON.parse(stdout) as StreamCounts;
  return {
    requests: counts.messages,
    seconds: counts.seconds,
    p50Ms: counts.p50Ms,
    p99Ms: counts.p99Ms,
    p999Ms: counts.p999Ms,
    gigabits: null,
    errors: counts.messages === 0 ? Math.max(1, counts.errors) : counts.errors,
  };
}
