import { connect } from 'node:http2';
import type { Socket } from 'node:net';

/** Makes one HTTP/2 request with prior knowledge on a socket; gives `STATUS BODY`. */
export async function http2Get(
  socket: Socket,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<string> {
  const session = connect('http://cart', { createConnection: () => socket });
  session.on('error', () => {});
  try {
    return await new Promise<string>((resolve, reject) => {
      const stream = session.request({ ':path': path, ...headers });
      const chunks: Buffer[] = [];
      let status = 0;
      stream.on('response', (fields) => (status = fields[':status'] ?? 0));
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('error', reject);
      stream.on('end', () => resolve(`${status} ${Buffer.concat(chunks).toString()}`));
    });
  } finally {
    session.destroy();
  }
}
