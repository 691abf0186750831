/** Our codec against other implementations, on real loopback sockets: node:http2 (nghttp2) both ways, and h2load. */
import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import * as http2 from 'node:http2';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  applicationHttp2Settings,
  defaultHttp2Limits,
  encodeHeaderList,
  Http2Connection,
  type HeaderField,
  type Http2Headers,
  type Http2Settings,
  type Http2Stream,
} from '../src/index.ts';
import { Recorder } from './http2-ends.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** Joins a connection of ours to a socket, as an owner does: gathered writes, back-pressure, the end. */
function join(
  socket: Socket,
  role: 'client' | 'server',
  recorder: Recorder,
  settings?: Http2Settings,
): Http2Connection {
  const connection: Http2Connection = new Http2Connection({
    role,
    settings: settings ?? applicationHttp2Settings,
    limits: defaultHttp2Limits,
    handlers: recorder,
    nowMs: () => performance.now(),
    encoderTableSize: 4096,
    output: {
      write: (bytes) => {
        if (!socket.write(bytes)) socket.pause();
      },
      wantsFlush: () => {
        setImmediate(() => connection.flush());
      },
    },
  });
  connection.start();
  socket.setNoDelay(true);
  socket.on('data', (chunk: Buffer) => connection.receive(chunk));
  socket.on('drain', () => socket.resume());
  socket.on('error', () => socket.destroy());
  socket.on('close', () => connection.destroy());
  cleanups.push(() => socket.destroy());
  return connection;
}

async function listening(server: Server | http2.Http2Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** A server of ours that echoes bodies with trailers, and CONNECT streams as they are. */
class EchoRecorder extends Recorder {
  connection: Http2Connection | undefined;

  constructor() {
    super();
    this.consumes = false;
    this.onRequest = (stream, headers, endStream) => this.#answer(stream, headers, endStream);
    this.afterData = (stream, chunk) => {
      if (stream.write(chunk)) stream.consumed(chunk.length);
    };
    this.afterEnd = (stream) => {
      if (stream.requestKind === 'connect') stream.end();
      else stream.sendTrailers(encodeHeaderList([['x-checksum', 'none']]));
    };
  }

  #answer(stream: Http2Stream, headers: Http2Headers, endStream: boolean): void {
    const encoder = this.connection?.encoder;
    if (encoder === undefined) throw new Error('no connection');
    encoder.begin();
    encoder.add(':status', '200');
    for (let i = 0; i < headers.count; i++) {
      if (headers.buffer[headers.ranges[i * 4] as number] !== 58) encoder.addField(headers, i);
    }
    stream.sendHeaders(encoder.finish(), endStream);
  }

  override onWritable(stream: Http2Stream): void {
    stream.consumed(stream.unconsumed);
  }
}

describe('a client of node:http2 and our server', () => {
  async function session(
    options?: http2.ClientSessionOptions,
  ): Promise<{ client: http2.ClientHttp2Session; echo: EchoRecorder }> {
    const echo = new EchoRecorder();
    const server = createServer((socket) => {
      echo.connection = join(socket, 'server', echo);
    });
    const client = http2.connect(`http://127.0.0.1:${await listening(server)}`, options);
    cleanups.push(() => client.destroy());
    await once(client, 'connect');
    return { client, echo };
  }

  it('exchange many requests at a time, with fields of every size', async () => {
    const { client } = await session();
    const answers = await Promise.all(
      Array.from({ length: 200 }, async (_, index) => {
        const fields = {
          'x-index': String(index),
          'x-long': 'v'.repeat(index * 20),
          cookie: `id=${index}`,
          'x-same': 'same',
        };
        const request = client.request({ ':path': `/${index}`, ...fields });
        const [response] = (await once(request, 'response')) as [http2.IncomingHttpHeaders];
        await buffer(request);
        return response['x-index'] === fields['x-index'] && response['x-long'] === fields['x-long'];
      }),
    );
    expect(answers.every(Boolean)).toBe(true);
  });

  it('echo 8 MiB through windows of 64 KiB, with trailers', async () => {
    const { client } = await session({ settings: { initialWindowSize: 65_535 } });
    const request = client.request({ ':method': 'POST' });
    const body = Buffer.alloc(8 * 1024 * 1024);
    for (let i = 0; i < body.length; i++) body[i] = i % 253;
    const trailers = once(request, 'trailers');
    request.end(body);
    expect((await buffer(request)).equals(body)).toBe(true);
    expect((await trailers)[0]).toMatchObject({ 'x-checksum': 'none' });
  });

  it('open a CONNECT tunnel', async () => {
    const { client, echo } = await session();
    const tunnel = client.request({ ':method': 'CONNECT', ':authority': '10.1.2.3:80' });
    await once(tunnel, 'response');
    tunnel.write('ping');
    expect(String((await once(tunnel, 'data'))[0])).toBe('ping');
    tunnel.end('bye');
    expect(String(await buffer(tunnel))).toBe('bye');
    expect(echo.events).toContain('headers 1 :method: CONNECT, :authority: 10.1.2.3:80');
  });

  it('cancel streams, ping, and end gracefully', async () => {
    const { client, echo } = await session();
    const cancelled = client.request({ ':method': 'POST' });
    await once(cancelled, 'response');
    cancelled.destroy();
    await once(cancelled, 'close');
    await new Promise((resolve) => client.ping(() => resolve(undefined)));
    expect(echo.events).toContain('reset 1 0 by peer');
    const last = client.request({ ':method': 'POST' });
    await once(last, 'response');
    echo.connection?.shutdownGracefully();
    await once(client, 'goaway');
    last.end('more');
    expect(String(await buffer(last))).toBe('more');
  });
});

describe('our client and a server of node:http2', () => {
  class Answers extends Recorder {
    readonly #waiting = new Map<number, (events: string[]) => void>();

    async of(stream: Http2Stream | undefined): Promise<string[]> {
      if (stream === undefined) throw new Error('no stream');
      return new Promise((resolve) => this.#waiting.set(stream.id, resolve));
    }

    override onStreamClosed(stream: Http2Stream): void {
      super.onStreamClosed(stream);
      this.#waiting.get(stream.id)?.(this.events.filter((event) => event.split(' ')[1] === String(stream.id)));
    }
  }

  async function session(
    onStream: (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => void,
    options: http2.ServerOptions = {},
  ): Promise<{ connection: Http2Connection; answers: Answers; server: http2.Http2Server }> {
    const server = http2.createServer(options);
    server.on('stream', onStream);
    const socket = connect({ port: await listening(server), host: '127.0.0.1' });
    const answers = new Answers();
    const connection = join(socket, 'client', answers);
    await once(socket, 'data');
    return { connection, answers, server };
  }

  const head = (connection: Http2Connection, fields: HeaderField[]): Buffer => {
    connection.encoder.begin();
    for (const [name, value] of fields) connection.encoder.add(name, value);
    return connection.encoder.finish();
  };
  const basic = (method: string, path = '/'): HeaderField[] => [
    [':method', method],
    [':scheme', 'http'],
    [':authority', 'cart'],
    [':path', path],
  ];

  it('exchange many requests at a time through the dynamic tables', async () => {
    const { connection, answers } = await session((stream, headers) => {
      stream.respond({ ':status': 200, 'x-index': headers['x-index'], 'x-same': headers['x-same'] });
      stream.end(headers['x-index']);
    });
    const results = Array.from({ length: 90 }, async (_, index) => {
      const fields = [
        ...basic('GET', `/${index}`),
        ['x-index', String(index)],
        ['x-same', 'v'.repeat(50)],
      ] as HeaderField[];
      const events = await answers.of(connection.openStream(head(connection, fields), true));
      return (
        events[0]?.includes(`x-index: ${index}, x-same: ${'v'.repeat(50)}`) === true &&
        events[1]?.endsWith(`"${index}"`)
      );
    });
    expect((await Promise.all(results)).filter(Boolean)).toHaveLength(90);
  });

  it('send 8 MiB through small windows and read it back, with trailers', async () => {
    const { connection, answers } = await session(
      (stream) => {
        stream.respond({ ':status': 200 }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'x-end': 'yes' }));
        stream.pipe(stream);
      },
      { settings: { initialWindowSize: 70_000 } },
    );
    const stream = connection.openStream(head(connection, basic('POST')), false);
    const total = 8 * 1024 * 1024;
    const chunk = Buffer.alloc(50_000, 'x');
    let left = total;
    const fill = (): void => {
      while (left > 0) {
        const length = Math.min(left, chunk.length);
        left -= length;
        if (stream?.write(chunk, 0, length, left === 0) !== true) return;
      }
    };
    answers.onWritable = fill;
    fill();
    const events = await answers.of(stream);
    expect(events.slice(1)).toEqual([`data 1 ${total} bytes`, 'trailers 1 x-end: yes', 'closed 1']);
  });

  it('open a CONNECT tunnel with a half-close', async () => {
    const { connection, answers } = await session((stream, headers) => {
      expect(headers[':method']).toBe('CONNECT');
      stream.respond({ ':status': 200 });
      stream.pipe(stream);
    });
    const connectFields: HeaderField[] = [
      [':method', 'CONNECT'],
      [':authority', '10.1.2.3:80'],
    ];
    const stream = connection.openStream(head(connection, connectFields), false, 'connect');
    stream?.write(Buffer.from('ping'));
    stream?.end();
    const events = await answers.of(stream);
    expect(events.slice(1)).toEqual(['data 1 "ping"', 'end 1', 'closed 1']);
  });

  it('take a HEAD, a refusal, a reset and a GOAWAY', async () => {
    const sessions: http2.Http2Session[] = [];
    const { connection, answers } = await session((stream, headers) => {
      if (stream.session !== undefined) sessions.push(stream.session);
      stream.on('error', () => {});
      if (headers[':method'] === 'HEAD')
        stream.respond({ ':status': 200, 'content-length': '77' }, { endStream: true });
      else stream.close(http2.constants.NGHTTP2_REFUSED_STREAM);
    });
    const headEvents = await answers.of(connection.openStream(head(connection, basic('HEAD')), true, 'head'));
    expect(headEvents[0]).toMatch(/content-length: 77.* END$/);
    const refused = await answers.of(connection.openStream(head(connection, basic('GET')), true));
    expect(refused).toEqual(['reset 3 7 by peer', 'closed 3']);
    const drained = new Promise<void>((resolve) => {
      answers.onDrained = resolve;
    });
    sessions[0]?.goaway(0, 0);
    await drained;
    expect(connection.canOpenStream).toBe(false);
  });
});

const h2load = spawnSync('h2load', ['--version']).status === 0;
if (!h2load) process.stderr.write('skipped: h2load is not installed (Debian: nghttp2-client)\n');

(h2load ? describe : describe.skip)('h2load', () => {
  it('gets an answer to each of 2000 requests on 4 connections', async () => {
    const server = createServer((socket) => {
      const recorder = new Recorder();
      const body = Buffer.alloc(20_000, 'x');
      const ok = encodeHeaderList([[':status', '200']]);
      recorder.onRequest = (stream) => {
        stream.sendHeaders(ok, false);
        stream.write(body, 0, body.length, true);
      };
      join(socket, 'server', recorder);
    });
    const url = `http://127.0.0.1:${await listening(server)}/`;
    const { stdout } = await promisify(execFile)('h2load', ['-n', '2000', '-c', '4', '-m', '50', url], {
      timeout: 15_000,
    });
    expect(stdout).toContain('2000 succeeded, 0 failed, 0 errored');
    expect(stdout).toContain('40000000) data');
  });
});
