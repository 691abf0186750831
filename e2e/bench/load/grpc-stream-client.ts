// A load client of streaming calls: `node grpc-stream-client.ts URL CONNECTIONS STREAMS SECONDS`. On every stream it sends
// a message whenever the one before has come back. What it prints is {@link StreamCounts}.
import { connect } from 'node:http2';
import type { ClientHttp2Session } from 'node:http2';
import { grpcMessage } from '../peers/backend.ts';
import { percentile } from '../statistics.ts';

/** What the client prints, as JSON. */
export interface StreamCounts {
  readonly messages: number;
  readonly errors: number;
  readonly seconds: number;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly p999Ms: number | null;
}

const [url = '', connections = '', streams = '', seconds = ''] = process.argv.slice(2);
const { origin, pathname } = new URL(url);
const headers = { ':method': 'POST', ':path': pathname, 'content-type': 'application/grpc', te: 'trailers' };

const latencies: number[] = [];
const sessions: ClientHttp2Session[] = [];
const started = performance.now();
let messages = 0;
let errors = 0;
let ended = false;

function call(session: ClientHttp2Session): void {
  const stream = session.request(headers);
  let sentAt = performance.now();
  let missing = grpcMessage.length;
  stream.on('error', () => {});
  stream.on('close', () => {
    if (!ended) errors++;
  });
  stream.on('data', (bytes: Buffer) => {
    missing -= bytes.length;
    if (missing > 0 || ended) return;
    messages++;
    const now = performance.now();
    latencies.push(now - sentAt);
    sentAt = now;
    missing = grpcMessage.length;
    stream.write(grpcMessage);
  });
  stream.write(grpcMessage);
}

for (let i = 0; i < Number(connections); i++) {
  const session = connect(origin);
  session.on('error', () => errors++);
  sessions.push(session);
  for (let j = 0; j < Number(streams); j++) call(session);
}
setTimeout(
  () => {
    ended = true;
    const sorted = latencies.toSorted((a, b) => a - b);
    const counts: StreamCounts = {
      messages,
      errors,
      seconds: (performance.now() - started) / 1000,
      p50Ms: percentile(sorted, 0.5),
      p99Ms: percentile(sorted, 0.99),
      p999Ms: percentile(sorted, 0.999),
    };
    for (const session of sessions) session.destroy();
    process.stdout.write(`${JSON.stringify(counts)}\n`, () => process.exit(0));
  },
  Number(seconds) * 1000,
);
