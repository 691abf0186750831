import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { decode, encode, streamDecode, streamEncode } from 'dns-packet';
import type { Packet } from 'dns-packet';
import { silentLogger } from '@tulle/core';
import { DnsServer, fitted } from './server.ts';
import type { Zone } from './zone.ts';

const zone: Zone = {
  names: new Map([['cart.shop.svc.cluster.local', { kind: 'addresses', addresses: ['10.96.1.2'] }]]),
  parents: new Set(),
  pointers: new Map(),
};

const query: Packet = { type: 'query', id: 99, questions: [{ type: 'A', name: 'cart.shop.svc.cluster.local' }] };
const bytes = (packet: Packet): Buffer => Buffer.from(encode(packet));

async function start(): Promise<DnsServer> {
  const server = await DnsServer.listen('127.0.0.1', 0, silentLogger);
  server.setZone(zone);
  return server;
}

async function askOverUdp(port: number, messages: readonly Buffer[]): Promise<Packet> {
  const socket = createSocket('udp4');
  const answer = once(socket, 'message');
  for (const message of messages) socket.send(message, port, '127.0.0.1');
  const [received] = (await answer) as [Buffer];
  socket.close();
  return decode(received);
}

describe('DnsServer', () => {
  it('answers over UDP, and goes on after a datagram that is no DNS message or is an answer', async () => {
    await using server = await start();
    const answer = await askOverUdp(server.port, [
      Buffer.from('nonsense'),
      Buffer.alloc(0),
      bytes({ ...query, id: 1, type: 'response' }),
      bytes(query),
    ]);
    expect(answer.id).toBe(99);
    expect(answer.answers).toMatchObject([{ type: 'A', data: '10.96.1.2' }]);
  });

  it('answers questions of types that it does not know', async () => {
    await using server = await start();
    const httpsType = bytes({ ...query, questions: [{ type: 'A', name: 'cart.shop.svc.cluster.local' }] });
    httpsType.writeUInt16BE(65, httpsType.length - 4);
    const answer = await askOverUdp(server.port, [httpsType]);
    expect(answer.answers).toEqual([]);
    expect((answer.flags ?? 0) & 15).toBe(0);
  });

  it('answers over TCP, however the questions are cut', async () => {
    await using server = await start();
    const two = Buffer.concat(
      [streamEncode(query), streamEncode({ ...query, id: 100 })].map((each) => Buffer.from(each)),
    );
    for (const cut of [1, 2, 3, 20, two.length / 2, two.length - 1]) {
      const socket = connect(server.port, '127.0.0.1').setNoDelay();
      await once(socket, 'connect');
      const chunks: Buffer[] = [];
      const whole = new Promise<Buffer>((resolve) => {
        socket.on('data', (chunk: Buffer) => {
          chunks.push(chunk);
          const all = Buffer.concat(chunks);
          if (all.length >= 2 && all.length >= 2 * (2 + all.readUInt16BE(0))) resolve(all);
        });
      });
      socket.write(two.subarray(0, cut), () => socket.write(two.subarray(cut)));
      const answer = streamDecode(await whole);
      expect(answer.answers).toMatchObject([{ type: 'A', data: '10.96.1.2' }]);
      socket.destroy();
    }
  });

  it('closes a connection that says nonsense', async () => {
    await using server = await start();
    const socket = connect(server.port, '127.0.0.1');
    socket.write(Buffer.from([0, 3, 1, 2, 3]));
    await once(socket, 'close');
    expect(socket.bytesRead).toBe(0);
  });
});

describe('fitted', () => {
  it('says that TCP must be used for what is too long for a datagram', () => {
    const answers = Array.from(
      { length: 60 },
      (_, i) => ({ type: 'A', name: 'db.shop', ttl: 5, data: `10.244.1.${i}` }) as const,
    );
    const short = fitted({ type: 'response', id: 1, answers: answers.slice(0, 3) });
    expect(decode(short).answers).toHaveLength(3);
    const long = decode(fitted({ type: 'response', id: 1, answers }));
    expect(long.answers).toHaveLength(0);
    expect((long.flags ?? 0) & 0x200).toBe(0x200);
  });
});
