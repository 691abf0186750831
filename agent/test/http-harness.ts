import { once } from 'node:events';
import { createServer as createHttp1Server } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { MeshOfNamespaces, TestPod } from './mesh-of-namespaces.ts';
import { readAll } from './mesh-of-namespaces.ts';

/** An HTTP/1.1 server that a test can give another handler at any time. */
export class Http1Backend {
  handle: (request: IncomingMessage, response: ServerResponse) => void = (_request, response) => response.end();
  readonly server = createHttp1Server((request, response) => this.handle(request, response));

  listen(mesh: MeshOfNamespaces, pod: TestPod, port: number): this {
    this.server.listen({ fd: mesh.listen(pod, port) });
    return this;
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}

/** The same for HTTP/2, prior knowledge. `offersConnect`: extended CONNECT is offered (RFC 8441). */
export class Http2Backend {
  handle: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void = (stream) => stream.close();
  readonly #server;

  constructor(offersConnect = false) {
    this.#server = createHttp2Server({ settings: { enableConnectProtocol: offersConnect } });
    this.#server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
      stream.on('error', () => {});
      this.handle(stream, headers);
    });
    this.#server.on('sessionError', () => {});
  }

  listen(mesh: MeshOfNamespaces, pod: TestPod, port: number): this {
    this.#server.listen({ fd: mesh.listen(pod, port) });
    return this;
  }

  close(): void {
    this.#server.close();
  }
}

/** What a call over HTTP/2 got. */
export interface Http2Answer {
  readonly headers: IncomingHttpHeaders;
  readonly interim: readonly number[];
  readonly trailers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Opens an HTTP/2 session from a pod to a Service's address. */
export async function http2Session(
  mesh: MeshOfNamespaces,
  from: TestPod,
  address: string,
): Promise<ClientHttp2Session> {
  const socket = await mesh.connect(from, { address, port: 80 });
  const session = connectHttp2('http://shop', { createConnection: () => socket });
  session.on('error', () => {});
  return session;
}

/** Reads all of a stream's response. */
export async function readHttp2(stream: ClientHttp2Stream): Promise<Http2Answer> {
  let trailers: IncomingHttpHeaders = {};
  const interim: number[] = [];
  stream.on('trailers', (received: IncomingHttpHeaders) => (trailers = received));
  stream.on('headers', (received: IncomingHttpHeaders) => interim.push(Number(received[':status'])));
  const head = once(stream, 'response') as Promise<[IncomingHttpHeaders]>;
  head.catch(() => {});
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  const [headers] = await head;
  return { headers, interim, trailers, body: Buffer.concat(chunks) };
}

/** Sends one call and reads its answer. */
export function http2Call(
  session: ClientHttp2Session,
  headers: Record<string, string | string[]>,
  body?: string | Buffer,
): Promise<Http2Answer> {
  const stream = session.request(headers, { endStream: body === undefined });
  const answer = readHttp2(stream);
  if (body !== undefined) stream.end(body);
  return answer;
}

/** Sends bytes on a new connection and reads what comes until it ends; latin1. */
export async function http1Exchange(
  mesh: MeshOfNamespaces,
  from: TestPod,
  address: string,
  bytes: string,
): Promise<string> {
  const socket: Socket = await mesh.connect(from, { address, port: 80 });
  socket.write(bytes, 'latin1');
  const answer = await readAll(socket);
  socket.destroy();
  return answer;
}
