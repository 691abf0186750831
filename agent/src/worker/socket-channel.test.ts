import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, Socket } from 'node:net';
import type { Socket as AcceptedSocket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { nobody } from './channel.ts';
import { SocketChannel } from './socket-channel.ts';

const request = Buffer.from('a request that nobody reads');

/** Connects a channel to a server of this process; gives both ends, and what the channel's owner is told. */
async function connected() {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const told: string[] = [];
  const closed = Promise.withResolvers<void>();
  const channel = SocketChannel.connecting(
    new Socket({ allowHalfOpen: true }),
    { address: '127.0.0.1', port, timeoutMs: 5_000 },
    {
      ...nobody,
      onOpen: () => told.push('open'),
      onData: (_channel, chunk, start, end) => told.push(chunk.toString('latin1', start, end)),
      onClosed: (_channel, failure) => {
        told.push(failure ?? 'well');
        closed.resolve();
      },
    },
  );
  const [accepted] = (await once(server, 'connection')) as [AcceptedSocket];
  if (told.length === 0) await once(channel.socket, 'connect');
  server.close();
  return { channel, accepted, told, closed: closed.promise };
}

describe('SocketChannel', () => {
  it('gives what the other end said before it broke off, though the break is noticed by a write', async () => {
    const { channel, accepted, told, closed } = await connected();
    // In one turn: the answer is in the kernel when the write fails, and was not read yet.
    accepted.write('413 I have heard enough');
    accepted.resetAndDestroy();
    channel.write(request, 0, request.length);
    await closed;
    expect(told).toEqual(['open', '413 I have heard enough', 'reset']);
  });

  it('gives nothing to an owner that reads no more', async () => {
    const { channel, accepted, told, closed } = await connected();
    channel.pause();
    accepted.write('too much');
    accepted.resetAndDestroy();
    channel.write(request, 0, request.length);
    await closed;
    expect(told).toEqual(['open', 'reset']);
  });
});
