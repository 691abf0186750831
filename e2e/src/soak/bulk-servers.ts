import { createHash } from 'node:crypto';
import { createServer as createHttp } from 'node:http';
import { createServer as createHttp2 } from 'node:http2';
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { createServer as createTcp } from 'node:net';
import type { Server } from 'node:net';
import { Readable } from 'node:stream';
import type { Writable } from 'node:stream';

/** A block that is no two times the same at one place of a transfer: a shift of the bytes changes the hash. */
const blockBytes = 1_000_003;
const block = Buffer.from(Uint8Array.from({ length: blockBytes }, (_, i) => (i * 2_654_435_761) >>> 13));

/** `bytes` of the pattern that every transfer carries. */
export function* pattern(bytes: number): Generator<Buffer> {
  for (let left = bytes; left > 0; left -= blockBytes) yield left >= blockBytes ? block : block.subarray(0, left);
}

/** The hash of the pattern. */
export function patternHash(bytes: number): string {
  const hash = createHash('sha256');
  for (const part of pattern(bytes)) hash.update(part);
  return hash.digest('hex');
}

/** A slow reader: after so many bytes it stops for so long, and what is sent meanwhile has to wait somewhere. */
const pauseEveryBytes = 64 << 20;
const pauseMs = 250;

/** Hashes all that is read, slowly. Unlike an iteration it leaves a socket's other direction open. */
export function hashSlowly(from: Readable): Promise<string> {
  const hash = createHash('sha256');
  let untilPause = 0;
  return new Promise((resolve, reject) => {
    from.on('data', (part: Buffer) => {
      hash.update(part);
      untilPause -= part.length;
      if (untilPause > 0) return;
      untilPause += pauseEveryBytes;
      from.pause();
      setTimeout(() => from.resume(), pauseMs);
    });
    from.on('end', () => resolve(hash.digest('hex')));
    from.on('error', reject);
    from.resume();
  });
}

function send(bytes: number, to: Writable): void {
  Readable.from(pattern(bytes)).pipe(to);
}

/** Servers that hash what is uploaded, and answer with the hash; and that send the pattern where `/N` is asked for. */
export const bulkServers = {
  'HTTP/1.1': (): Server =>
    createHttp((request, response) => {
      if (request.method === 'GET') send(Number(request.url?.slice(1)), response);
      else
        void hashSlowly(request).then(
          (hash) => response.end(hash),
          () => response.destroy(),
        );
    }),
  'HTTP/2': (): Server => {
    const server = createHttp2();
    server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
      stream.on('error', () => {});
      stream.respond({ ':status': 200 });
      if (headers[':method'] === 'GET') send(Number(String(headers[':path']).slice(1)), stream);
      else
        void hashSlowly(stream).then(
          (hash) => stream.end(hash),
          () => stream.destroy(),
        );
    });
    return server;
  },
  /** The first line says what is wanted: `GET N`, or `PUT`, and then the bytes. */
  TCP: (): Server =>
    createTcp({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => {});
      socket.once('data', (chunk: Buffer) => {
        const end = chunk.indexOf(10);
        const [verb, bytes] = chunk.toString('latin1', 0, end).split(' ');
        socket.pause();
        if (chunk.length > end + 1) socket.unshift(chunk.subarray(end + 1));
        if (verb === 'GET') send(Number(bytes), socket);
        else
          void hashSlowly(socket).then(
            (hash) => socket.end(hash),
            () => socket.destroy(),
          );
      });
    }),
} as const;

/** The protocols that bytes are carried by. */
export type BulkProtocol = keyof typeof bulkServers;
