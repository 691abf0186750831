/** Helpers of the HTTP/2 tests: two connections joined back to back, with every event written down. */
import { encodeHeaderList, type HeaderField, type HeaderScratch } from '../src/hpack/index.ts';
import {
  clientPreface,
  defaultHttp2Limits,
  Http2Connection,
  http2ErrorName,
  tunnelHttp2Settings,
  type Http2ConnectionError,
  type Http2Handlers,
  type Http2Headers,
  type Http2Limits,
  type Http2Settings,
  type Http2Stream,
} from '../src/http2/index.ts';

/** Fields as `name: value` lines. */
export function headerLines(headers: HeaderScratch): string[] {
  const lines: string[] = [];
  for (let i = 0; i < headers.count; i++) {
    const at = i * 4;
    const [a, b, c, d] = [0, 1, 2, 3].map((offset) => headers.ranges[at + offset] as number);
    lines.push(`${headers.buffer.toString('latin1', a, b)}: ${headers.buffer.toString('latin1', c, d)}`);
  }
  return lines;
}

/** Writes down what a connection tells; adjacent data of a stream is one event. */
export class Recorder implements Http2Handlers {
  readonly events: string[] = [];
  readonly streams: Http2Stream[] = [];
  error: Http2ConnectionError | undefined;
  /** Whether data is consumed as it comes. */
  consumes = true;
  #dataOf = -1;
  #data: Buffer[] = [];
  /** Called after the event was written down. */
  onRequest: ((stream: Http2Stream, headers: Http2Headers, endStream: boolean) => void) | undefined;
  afterData: ((stream: Http2Stream, chunk: Buffer) => void) | undefined;
  afterEnd: ((stream: Http2Stream) => void) | undefined;

  note(event: string): void {
    this.settle();
    this.events.push(event);
  }

  /** Writes down data that is still being gathered. */
  settle(): string[] {
    if (this.#data.length > 0) {
      const data = Buffer.concat(this.#data);
      const text = data.length > 64 ? `${data.length} bytes` : JSON.stringify(data.toString('latin1'));
      this.events.push(`data ${this.#dataOf} ${text}`);
    }
    this.#data = [];
    return this.events;
  }

  onHeaders(stream: Http2Stream, headers: Http2Headers, endStream: boolean): void {
    if (!this.streams.includes(stream)) this.streams.push(stream);
    this.note(`headers ${stream.id} ${headerLines(headers).join(', ')}${endStream ? ' END' : ''}`);
    this.onRequest?.(stream, headers, endStream);
  }

  onTrailers(stream: Http2Stream, headers: Http2Headers): void {
    this.note(`trailers ${stream.id} ${headerLines(headers).join(', ')}`);
    this.afterEnd?.(stream);
  }

  onData(stream: Http2Stream, chunk: Buffer, start: number, end: number): void {
    if (this.#dataOf !== stream.id) this.settle();
    this.#dataOf = stream.id;
    const part = Buffer.from(chunk.subarray(start, end));
    this.#data.push(part);
    if (this.consumes) stream.consumed(end - start);
    this.afterData?.(stream, part);
  }

  onEnd(stream: Http2Stream): void {
    this.note(`end ${stream.id}`);
    this.afterEnd?.(stream);
  }

  onReset(stream: Http2Stream, errorCode: number): void {
    this.note(`reset ${stream.id} ${errorCode} by ${stream.resetBy}`);
  }

  onStreamClosed(stream: Http2Stream): void {
    this.note(`closed ${stream.id}`);
  }

  onWritable(stream: Http2Stream): void {
    this.note(`writable ${stream.id}`);
  }

  onGoaway(lastStreamId: number, errorCode: number): void {
    this.note(`goaway ${lastStreamId} ${errorCode}`);
  }

  onRemoteSettings(): void {
    this.note('settings');
  }

  onPingAck(payload: Buffer): void {
    this.note(`ping-ack ${payload.toString('latin1')}`);
  }

  onDrained(): void {
    this.note('drained');
  }

  onConnectionError(error: Http2ConnectionError): void {
    this.error = error;
    this.note(`error ${error.code}`);
  }
}

/** What may differ from the defaults. */
export interface EndOptions {
  readonly settings?: Partial<Http2Settings>;
  readonly limits?: Partial<Http2Limits>;
  readonly encoderTableSize?: number;
  readonly nowMs?: () => number;
}

/** One end of a connection with its recorder; what it sends gathers in `sent`. */
export class End {
  readonly recorder = new Recorder();
  readonly connection: Http2Connection;
  sent: Buffer[] = [];

  constructor(role: 'client' | 'server', options: EndOptions = {}) {
    this.connection = new Http2Connection({
      role,
      settings: { ...tunnelHttp2Settings, ...options.settings },
      limits: { ...defaultHttp2Limits, ...options.limits },
      handlers: this.recorder,
      output: { write: (bytes) => void this.sent.push(bytes) },
      nowMs: options.nowMs ?? (() => 0),
      ...(options.encoderTableSize === undefined ? {} : { encoderTableSize: options.encoderTableSize }),
    });
  }

  /** All that was sent since the last call. */
  takeSent(): Buffer {
    const bytes = Buffer.concat(this.sent);
    this.sent = [];
    return bytes;
  }

  get events(): string[] {
    return this.recorder.settle();
  }
}

/** A client and a server that are joined and started. */
export class Pair {
  readonly client: End;
  readonly server: End;

  constructor(options: { client?: EndOptions; server?: EndOptions } = {}) {
    this.client = new End('client', options.client);
    this.server = new End('server', options.server);
    this.client.connection.start();
    this.server.connection.start();
    this.exchange();
  }

  /** Carries bytes both ways until nobody has anything to send. */
  exchange(): void {
    for (;;) {
      const toServer = this.client.takeSent();
      const toClient = this.server.takeSent();
      if (toServer.length === 0 && toClient.length === 0) return;
      if (toServer.length > 0) this.server.connection.receive(toServer);
      if (toClient.length > 0) this.client.connection.receive(toClient);
    }
  }

  /** Forgets the events so far. */
  clear(): void {
    for (const end of [this.client, this.server]) end.events.length = 0;
  }
}

/** A frame, by hand. */
export function frame(type: number, flags: number, streamId: number, payload: Uint8Array | number[] = []): Buffer {
  const bytes = Buffer.alloc(9 + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes[3] = type;
  bytes[4] = flags;
  bytes.writeUInt32BE(streamId, 5);
  bytes.set(payload, 9);
  return bytes;
}

/** A 32-bit number as bytes. */
export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

export const getFields: HeaderField[] = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':authority', 'cart.shop'],
  [':path', '/items?page=2'],
];
export const getHeaders: Buffer = encodeHeaderList(getFields);
export const postHeaders: Buffer = encodeHeaderList([[':method', 'POST'], ...getFields.slice(1)]);
export const connectHeaders: Buffer = encodeHeaderList([
  [':method', 'CONNECT'],
  [':authority', '10.1.2.3:8080'],
]);
export const okHeaders: Buffer = encodeHeaderList([[':status', '200']]);

/** Frames as readable lines: what an end sent. Payloads of 4 bytes and GOAWAY as numbers, else their length. */
export function frameLines(bytes: Buffer): string[] {
  const names = ['DATA', 'HEADERS', 'PRIORITY', 'RST_STREAM', 'SETTINGS', 'PUSH', 'PING', 'GOAWAY', 'WINDOW_UPDATE'];
  const lines: string[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = bytes.readUIntBE(at, 3);
    const type = bytes[at + 3] as number;
    const flags = bytes[at + 4] as number;
    const payload = bytes.subarray(at + 9, at + 9 + length);
    const detail =
      type === 7
        ? `${payload.readUInt32BE(0)} ${http2ErrorName(payload.readUInt32BE(4))}`
        : type === 3
          ? http2ErrorName(payload.readUInt32BE(0))
          : type === 8
            ? `${payload.readUInt32BE(0)}`
            : `${length}`;
    lines.push(
      `${names[type] ?? (type === 9 ? 'CONTINUATION' : type)} ${bytes.readUInt32BE(at + 5)} ${flags}: ${detail}`,
    );
    at += 9 + length;
  }
  return lines;
}

/** A started server whose client is written by hand: the preface and SETTINGS are through, events are forgotten. */
export function rawServer(options: EndOptions = {}): End {
  const server = new End('server', options);
  server.connection.start();
  server.connection.receive(Buffer.concat([clientPreface, frame(4, 0, 0), frame(4, 1, 0)]));
  server.takeSent();
  server.events.length = 0;
  return server;
}

/** A started client whose server is written by hand; `settings` is the payload of the server's SETTINGS. */
export function rawClient(options: EndOptions = {}, settings: Uint8Array | number[] = []): End {
  const client = new End('client', options);
  client.connection.start();
  client.connection.receive(Buffer.concat([frame(4, 0, 0, settings), frame(4, 1, 0)]));
  client.takeSent();
  client.events.length = 0;
  return client;
}
