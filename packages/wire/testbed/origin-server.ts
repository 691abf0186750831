import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import {
  applicationHttp2Settings,
  defaultHttp2Limits,
  encodeHeaderList,
  Http2Connection,
  type Http2Handlers,
  type Http2Headers,
  type Http2Stream,
} from '../src/index.ts';

const okHead = encodeHeaderList([
  [':status', '200'],
  ['content-type', 'text/plain'],
]);
const tooLargeHead = encodeHeaderList([[':status', '431']]);
const text = Buffer.from('hello from the HTTP/2 testbed\n');
const filler = Buffer.alloc(64 * 1024, 'x');

/** Answers the streams of one connection. */
class Origin implements Http2Handlers {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  onHeaders(stream: Http2Stream, headers: Http2Headers, endStream: boolean): void {
    stream.sendHeaders(okHead, false);
    if (!endStream) return;
    const bytes = /^\/bytes\/(\d{1,9})$/.exec(headers.valueText(headers.path))?.[1];
    if (bytes === undefined) stream.write(text, 0, text.length, true);
    else {
      stream.user = Number(bytes);
      this.#fill(stream);
    }
  }

  #fill(stream: Http2Stream): void {
    for (let left = stream.user as number; ;) {
      const length = Math.min(left, filler.length);
      left -= length;
      stream.user = left;
      const sent = stream.write(filler, 0, length, left === 0);
      if (!sent || left === 0) return;
    }
  }

  onHeadersTooLarge(stream: Http2Stream, endStream: boolean): void {
    stream.sendHeaders(tooLargeHead, true);
    if (!endStream) stream.reset(0);
  }

  onTrailers(stream: Http2Stream): void {
    stream.end();
  }

  onData(stream: Http2Stream, chunk: Buffer, start: number, end: number): void {
    stream.write(chunk, start, end);
    if (stream.queuedBytes === 0) stream.consumed(end - start);
  }

  onEnd(stream: Http2Stream): void {
    stream.end();
  }

  onWritable(stream: Http2Stream): void {
    if (typeof stream.user === 'number') this.#fill(stream);
    else stream.consumed(stream.unconsumed);
  }

  onStreamClosed(stream: Http2Stream): void {
    stream.consumed(stream.unconsumed);
  }

  onReset(): void {}
  onGoaway(): void {}
  onRemoteSettings(): void {}
  onPingAck(): void {}

  onConnectionError(): void {
    this.#socket.end();
  }
}

/** Serves one connection with this package's codec. */
function serve(socket: Socket): void {
  let flushAsked = false;
  const flush = (): void => {
    flushAsked = false;
    connection.flush();
    socket.uncork();
    if (socket.writableNeedDrain) socket.pause();
  };
  const wantsFlush = (): void => {
    if (flushAsked) return;
    flushAsked = true;
    socket.cork();
    setImmediate(flush);
  };
  const connection = new Http2Connection({
    role: 'server',
    settings: applicationHttp2Settings,
    limits: defaultHttp2Limits,
    nowMs: () => performance.now(),
    handlers: new Origin(socket),
    output: {
      wantsFlush,
      write: (bytes) => {
        socket.write(bytes);
      },
    },
  });
  connection.start();
  socket.on('data', (chunk: Buffer) => connection.receive(chunk));
  socket.on('drain', () => socket.resume());
  socket.on('end', () => socket.end());
  socket.on('close', () => connection.destroy());
  socket.on('error', () => socket.destroy());
}

/**
 * A server that speaks HTTP/2 with this package's codec; not yet listening. Without `tls` it expects prior knowledge,
 * with it ALPN `h2`, and who does not offer that is closed.
 */
export function createOriginServer(tls?: { readonly cert: string; readonly key: string }): Server {
  if (tls === undefined) return createServer({ noDelay: true }, serve);
  const server = createTlsServer({ ...tls, ALPNProtocols: ['h2'], noDelay: true }, (socket) => {
    if (socket.alpnProtocol === 'h2') serve(socket);
    else socket.destroy();
  });
  server.on('tlsClientError', () => {});
  return server;
}
