/**
 * Prints nanoseconds a DATA frame, in and out, and a request with its response. Not part of the tests.
 * Run: `node packages/wire/bench/http2.ts`
 */
import {
  defaultHttp2Limits,
  encodeHeaderList,
  Http2Connection,
  tunnelHttp2Settings,
  type Http2Handlers,
  type Http2Stream,
} from '../src/index.ts';

const framesPerRound = 64;

/** An owner that does as little as it can: consumes what comes, ends what ends. */
class Owner implements Http2Handlers {
  bytes = 0;
  streams: Http2Stream[] = [];
  answer: Buffer | undefined;

  onHeaders(stream: Http2Stream, _headers: unknown, endStream: boolean): void {
    if (this.answer !== undefined && endStream) stream.sendHeaders(this.answer, true);
    else this.streams.push(stream);
  }
  onData(stream: Http2Stream, _chunk: Buffer, start: number, end: number): void {
    this.bytes += end - start;
    stream.consumed(end - start);
  }
  onTrailers(): void {}
  onEnd(): void {}
  onReset(): void {}
  onStreamClosed(): void {}
  onWritable(): void {}
  onGoaway(): void {}
  onRemoteSettings(): void {}
  onPingAck(): void {}
  onConnectionError(error: Error): void {
    throw error;
  }
}

/** One end; as in a worker, what is written in one turn is gathered and goes out together. */
class End {
  readonly owner = new Owner();
  readonly connection: Http2Connection;
  out: Buffer[] = [];

  constructor(role: 'client' | 'server') {
    this.connection = new Http2Connection({
      role,
      settings: tunnelHttp2Settings,
      limits: defaultHttp2Limits,
      handlers: this.owner,
      nowMs: () => performance.now(),
      output: { write: (bytes) => void this.out.push(bytes), wantsFlush: () => {} },
      encoderTableSize: 4096,
    });
    this.connection.start();
  }

  take(): Buffer[] {
    this.connection.flush();
    const { out } = this;
    this.out = [];
    return out;
  }
}

function exchange(client: End, server: End): void {
  for (;;) {
    const toServer = client.take();
    const toClient = server.take();
    if (toServer.length === 0 && toClient.length === 0) return;
    for (const bytes of toServer) server.connection.receive(bytes);
    for (const bytes of toClient) client.connection.receive(bytes);
  }
}

function joined(): { client: End; server: End; stream: Http2Stream } {
  const client = new End('client');
  const server = new End('server');
  exchange(client, server);
  const head = encodeHeaderList([
    [':method', 'CONNECT'],
    [':authority', '10.1.2.3:8080'],
  ]);
  const stream = client.connection.openStream(head, false, 'connect');
  if (stream === undefined) throw new Error('no stream');
  exchange(client, server);
  return { client, server, stream };
}

function report(name: string, perUnit: readonly number[]): void {
  const sorted = [...perUnit].sort((a, b) => a - b);
  const median = sorted[sorted.length >> 1] as number;
  process.stdout.write(`${name.padEnd(44)} ${median.toFixed(0).padStart(7)} ns\n`);
}

/** Time spent in writing and in reading, apart, over the same frames. */
function dataFrames(payloadBytes: number): void {
  const { client, server, stream } = joined();
  const payload = Buffer.alloc(payloadBytes, 'x');
  const outNs: number[] = [];
  const inNs: number[] = [];
  const rounds = Math.max(400, Math.min(6000, Math.floor(4e8 / (payloadBytes * framesPerRound))));
  for (let round = 0; round < rounds; round++) {
    const begun = process.hrtime.bigint();
    for (let i = 0; i < framesPerRound; i++) stream.write(payload, 0, payloadBytes);
    const chunks = client.take();
    const written = process.hrtime.bigint();
    for (const chunk of chunks) server.connection.receive(chunk);
    const back = server.take();
    const read = process.hrtime.bigint();
    for (const chunk of back) client.connection.receive(chunk);
    if (round < rounds / 4) continue;
    outNs.push(Number(written - begun) / framesPerRound);
    inNs.push(Number(read - written) / framesPerRound);
  }
  report(`DATA out, ${payloadBytes} bytes`, outNs);
  report(`DATA in, ${payloadBytes} bytes`, inNs);
}

const requestFields = [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':authority', 'cart.shop.svc.cluster.local:8080'],
  [':path', '/shop.Cart/AddItem'],
  ['content-type', 'application/grpc'],
  ['te', 'trailers'],
  ['user-agent', 'grpc-node-js/1.14.0'],
  ['grpc-timeout', '5S'],
  ['traceparent', '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'],
].map(([name, value]) => [Buffer.from(name as string), Buffer.from(value as string)] as const);

/** Both ends of a request without a body: encoding, decoding, checks, stream states. */
function requests(): void {
  const { client, server } = joined();
  server.owner.answer = encodeHeaderList([
    [':status', '200'],
    ['content-type', 'application/grpc'],
    ['grpc-status', '0'],
  ]);
  const { encoder } = client.connection;
  const ns: number[] = [];
  for (let round = 0; round < 4000; round++) {
    const begun = process.hrtime.bigint();
    for (let i = 0; i < framesPerRound; i++) {
      encoder.begin();
      for (const [name, value] of requestFields) encoder.addBytes(name, value);
      client.connection.openStream(encoder.finish(), true);
    }
    exchange(client, server);
    client.owner.streams = [];
    if (round > 1000) ns.push(Number(process.hrtime.bigint() - begun) / framesPerRound);
  }
  report('request of 9 fields and response, both ends', ns);
}

for (const payloadBytes of [64, 200, 1000, 4000, 16_000, 64_000]) dataFrames(payloadBytes);
requests();
