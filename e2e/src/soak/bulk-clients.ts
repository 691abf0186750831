import { once } from 'node:events';
import { request as requestHttp } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import type { Socket } from 'node:net';
import type { Duplex, Writable } from 'node:stream';
import type { BulkProtocol } from './bulk-servers.ts';
import { hashSlowly, pattern } from './bulk-servers.ts';

/** One way of carrying bytes over a connection to a {@link BulkProtocol}'s server. */
export interface BulkClient {
  /** Sends the pattern; gives the hash of what came to the server. */
  upload(socket: Socket, bytes: number): Promise<string>;
  /** Asks for the pattern and reads it slowly; gives the hash of what came. */
  download(socket: Socket, bytes: number): Promise<string>;
}

/** What comes on a stream whose other direction is in use. A failure shows where the stream is written to, too. */
function textOf(from: AsyncIterable<Buffer>): Promise<string> {
  const read = async (): Promise<string> => {
    let text = '';
    for await (const part of from) text += String(part);
    return text;
  };
  const text = read();
  text.catch(() => {});
  return text;
}

async function send(bytes: number, to: Writable): Promise<void> {
  for (const part of pattern(bytes)) if (!to.write(part)) await once(to, 'drain');
  to.end();
}

export const bulkClients: Readonly<Record<BulkProtocol, BulkClient>> = {
  'HTTP/1.1': {
    async upload(socket, bytes) {
      const options = { method: 'PUT', host: 'bulk', createConnection: () => socket };
      const request = requestHttp(options);
      const answered = once(request, 'response') as Promise<[IncomingMessage]>;
      await send(bytes, request);
      return await textOf((await answered)[0]);
    },
    async download(socket, bytes) {
      const request = requestHttp({ path: `/${bytes}`, host: 'bulk', createConnection: () => socket });
      request.end();
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      return await hashSlowly(response);
    },
  },
  'HTTP/2': {
    async upload(socket, bytes) {
      return await overHttp2(socket, { ':method': 'PUT' }, async (stream) => {
        const text = textOf(stream);
        await send(bytes, stream);
        return await text;
      });
    },
    async download(socket, bytes) {
      return await overHttp2(socket, { ':path': `/${bytes}` }, (stream) => {
        stream.end();
        return hashSlowly(stream);
      });
    },
  },
  TCP: {
    async upload(socket, bytes) {
      const text = textOf(socket);
      socket.write('PUT\n');
      await send(bytes, socket);
      return await text;
    },
    async download(socket, bytes) {
      socket.end(`GET ${bytes}\n`);
      return await hashSlowly(socket);
    },
  },
};

async function overHttp2<T>(
  socket: Socket,
  headers: Readonly<Record<string, string>>,
  use: (stream: Duplex) => Promise<T>,
): Promise<T> {
  const session = connectHttp2('http://bulk', { createConnection: () => socket });
  session.on('error', () => {});
  try {
    return await use(session.request(headers, { endStream: false }));
  } finally {
    session.close();
  }
}
