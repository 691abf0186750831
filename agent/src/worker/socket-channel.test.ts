import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AddressInfo } from 'node:net';
import { createServer, Socket } from 'node:net';
import type { Socket as AcceptedSocket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { closeSocket, openTcpListener } from '@tulle/linux';
import { nobody } from './channel.ts';
import { gathering, SocketChannel } from './socket-channel.ts';

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

/** A listener of which nobody accepts, and whose queue is full: the kernel drops what comes, as it does when nobody is there. */
async function deaf() {
  const reserved = createServer().listen({ port: 0, host: '127.0.0.1', reusePort: true });
  await once(reserved, 'listening');
  const { port } = reserved.address() as AddressInfo;
  const fd = openTcpListener({ address: '127.0.0.1', port, backlog: 0, reusePort: true });
  await new Promise((resolve) => reserved.close(resolve));
  const waiting = new Socket();
  waiting.connect({ host: '127.0.0.1', port });
  waiting.on('error', () => {});
  await once(waiting, 'connect');
  return {
    port,
    [Symbol.dispose]: () => {
      waiting.destroy();
      closeSocket(fd);
    },
  };
}

/** Connects a channel; gives what it came to. */
function connecting(port: number, timeoutMs: number) {
  const { promise, resolve } = Promise.withResolvers<string>();
  const channel = SocketChannel.connecting(
    new Socket({ allowHalfOpen: true }),
    { address: '127.0.0.1', port, timeoutMs },
    { ...nobody, onOpen: () => resolve('open'), onClosed: (_channel, failure) => resolve(failure ?? 'well') },
  );
  return { channel, outcome: promise };
}

describe('SocketChannel', () => {
  it('says that it gathers until what it gathered is sent, or broken off', async () => {
    const { channel, accepted } = await connected();
    const large = Buffer.alloc(8 * 1024);
    channel.write(large, 0, large.length);
    channel.write(large, 0, large.length);
    expect(gathering.channels).toBe(1);
    let received = 0;
    for await (const chunk of accepted) if ((received += (chunk as Buffer).length) === 2 * large.length) break;
    expect(gathering.channels).toBe(0);
    channel.write(large, 0, large.length);
    channel.reset();
    await nextTurn();
    expect(gathering.channels).toBe(0);
  });

  it('gives up a connection that nobody answers when its time is over', async () => {
    using server = await deaf();
    const startedMs = performance.now();
    const { outcome } = connecting(server.port, 50);
    expect(await outcome).toBe('connect-timeout');
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(45);
  });

  it('takes a connection that was made in time, though the event loop comes to both late', async () => {
    const server = createServer((socket) => void socket.on('error', () => {})).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { channel, outcome } = connecting((server.address() as AddressInfo).port, 20);
    for (const untilMs = performance.now() + 100; performance.now() < untilMs;);
    expect(await outcome).toBe('open');
    channel.reset();
    server.close();
  });

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

  it('keeps the order of large and small writes, and the end behind them', async () => {
    const { channel, accepted } = await connected();
    const sizes = [10, 5_000, 20, 16_384, 16_384, 1, 4_096, 4_095, 60_000];
    const chunks = sizes.map((size, index) => Buffer.alloc(size, 65 + index));
    const got: Buffer[] = [];
    accepted.on('data', (bytes) => got.push(bytes as Buffer));
    for (const chunk of chunks) channel.write(chunk, 0, chunk.length);
    channel.end();
    await once(accepted, 'end');
    expect(Buffer.concat(got).equals(Buffer.concat(chunks))).toBe(true);
    channel.reset();
  });

  it('tells a writer that had to wait to go on, once what it wrote has left', async () => {
    const { channel, accepted } = await connected();
    const large = Buffer.alloc(64 * 1024, 'x');
    const total = 200;
    let written = 0;
    const done = Promise.withResolvers<void>();
    const fill = () => {
      let mayGoOn = true;
      while (mayGoOn && written < total) {
        written += 1;
        mayGoOn = channel.write(large, 0, large.length);
      }
      if (written === total) done.resolve();
    };
    channel.owner = { ...nobody, onWritable: fill };
    fill();
    expect(written).toBe(1);
    let got = 0;
    accepted.on('data', (bytes) => (got += bytes.length));
    await done.promise;
    channel.end();
    await once(accepted, 'end');
    expect(got).toBe(total * large.length);
    channel.reset();
  });

  it('sends nothing of what was gathered once it is reset', async () => {
    const { channel, accepted } = await connected();
    const got: Buffer[] = [];
    accepted.on('data', (bytes) => got.push(bytes as Buffer));
    accepted.on('error', () => {});
    channel.write(Buffer.alloc(10_000), 0, 10_000);
    channel.reset();
    await new Promise<void>((resolve) => accepted.once('close', () => resolve()));
    expect(got).toEqual([]);
  });
});
