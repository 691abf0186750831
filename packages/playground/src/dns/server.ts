import { createSocket } from 'node:dgram';
import type { Socket as DatagramSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { decode, encode, streamEncode } from 'dns-packet';
import type { Packet } from 'dns-packet';
import { errorMessage } from '@tulle/core';
import type { Logger } from '@tulle/core';
import { answerQuery } from './answer.ts';
import { makeZone } from './zone.ts';
import type { Zone } from './zone.ts';

/** The largest answer over UDP without EDNS (RFC 1035, 4.2.1); a longer one says that TCP must be used. */
const datagramLimitBytes = 512;
const truncated = 1 << 9;
const connectionLimit = 256;
const connectionIdleMs = 10_000;

/** Answers queries about the cluster's names, over UDP and TCP. */
export class DnsServer implements AsyncDisposable {
  readonly #datagrams: DatagramSocket;
  readonly #server: Server;
  readonly #connections = new Set<Socket>();
  readonly #logger: Logger;
  #zone: Zone = makeZone([]);

  private constructor(logger: Logger) {
    this.#logger = logger;
    this.#datagrams = createSocket('udp4');
    this.#server = createServer((socket) => this.#serve(socket));
    this.#server.maxConnections = connectionLimit;
    this.#datagrams.on('message', (message, from) => {
      const answer = this.#answer(message);
      if (answer === undefined) return;
      this.#datagrams.send(fitted(answer), from.port, from.address, () => {});
    });
  }

  /** Listens at the address and port (0 for any free one, the same for both). */
  static async listen(address: string, port: number, logger: Logger): Promise<DnsServer> {
    const server = new DnsServer(logger);
    server.#server.listen(port, address);
    await once(server.#server, 'listening');
    server.#datagrams.bind(server.port, address);
    await once(server.#datagrams, 'listening');
    // A socket that listens has no errors that matter to anybody else.
    server.#datagrams.on('error', (error) => logger.warn('DNS over UDP', { error: errorMessage(error) }));
    server.#server.on('error', (error) => logger.warn('DNS over TCP', { error: errorMessage(error) }));
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** What names mean from now on. */
  setZone(zone: Zone): void {
    this.#zone = zone;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#connections) socket.destroy();
    await Promise.all([
      new Promise<void>((resolve) => this.#server.close(() => resolve())),
      new Promise<void>((resolve) => this.#datagrams.close(() => resolve())),
    ]);
  }

  #answer(message: Buffer): Packet | undefined {
    let query: Packet;
    try {
      query = decode(message);
    } catch {
      return undefined;
    }
    // An answer to an answer would go back and forth for ever.
    return query.type === 'response' ? undefined : answerQuery(query, this.#zone);
  }

  #serve(socket: Socket): void {
    this.#connections.add(socket);
    let pending: Buffer = Buffer.alloc(0);
    socket.setTimeout(connectionIdleMs, () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#connections.delete(socket));
    socket.on('data', (chunk: Buffer) => {
      pending = Buffer.concat([pending, chunk]);
      while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
        const end = 2 + pending.readUInt16BE(0);
        const answer = this.#answer(pending.subarray(2, end));
        pending = pending.subarray(end);
        if (answer === undefined) {
          this.#logger.debug('a DNS message that is no query');
          socket.destroy();
          return;
        }
        socket.write(streamEncode(answer));
      }
    });
  }
}

/** An answer as a datagram: without its records, and marked so, when it is too long for one. */
export function fitted(answer: Packet): Buffer {
  const whole = encode(answer);
  if (whole.length <= datagramLimitBytes) return whole;
  return encode({ ...answer, flags: (answer.flags ?? 0) | truncated, answers: [], authorities: [] });
}
