import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { clientPreface, encodeHeaderList, HpackDecoder, Http2Headers } from '@tulle/wire';
import { readResponses } from '../../packages/wire/test/http1-events.ts';
import { frame } from '../../packages/wire/test/http2-ends.ts';
import type { TestPod } from './mesh-of-namespaces.ts';
import { MeshOfNamespaces, readAll } from './mesh-of-namespaces.ts';

const http1Server = '10.99.0.10';
const http2Server = '10.99.0.11';

type Field = readonly [name: string, value: string];

/** A header block by hand: names and values as they are, whatever the encoder would say of them. */
function literals(fields: readonly Field[]): Buffer {
  const text = (value: string): Buffer => {
    const bytes = Buffer.from(value, 'latin1');
    const length = bytes.length < 127 ? Buffer.of(bytes.length) : Buffer.of(127, bytes.length - 127);
    return Buffer.concat([length, bytes]);
  };
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.of(0), text(name), text(value)]));
}

const head = (more: readonly Field[] = [], changed: Readonly<Record<string, string>> = {}): Buffer =>
  literals([
    ...Object.entries({ ':method': 'POST', ':scheme': 'http', ':authority': 'cart', ':path': '/a', ...changed }),
    ...more,
  ]);
const hidden = 'GET /hidden HTTP/1.1\r\nhost: h\r\n\r\n';
const whole = (block: Buffer): Buffer => frame(1, 5, 1, block);
const withData = (block: Buffer, ...data: readonly string[]): Buffer =>
  Buffer.concat([
    frame(1, 4, 1, block),
    ...data.map((text, i) => frame(0, i === data.length - 1 ? 1 : 0, 1, Buffer.from(text))),
  ]);

/** What an HTTP/2 client sends on stream 1, and how many requests of it may come to the HTTP/1.1 server. */
const requests: Readonly<Record<string, readonly [bytes: Buffer, most: 0 | 1]>> = {
  'CRLF in a value': [whole(head([['x-a', `b\r\n\r\n${hidden}`]])), 0],
  'LF in a value': [whole(head([['x-a', 'b\ntransfer-encoding: chunked']])), 0],
  'NUL in a value': [whole(head([['x-a', 'b\0']])), 0],
  'CRLF in a name': [whole(head([['x-a: b\r\nx-c', 'd']])), 0],
  'a colon in a name': [whole(head([['transfer-encoding: chunked\r\nx', 'y']])), 0],
  'upper case in a name': [whole(head([['Transfer-Encoding', 'chunked']])), 0],
  'CRLF in :path': [whole(head([], { ':path': `/ HTTP/1.1\r\nhost: h\r\n\r\n${hidden}` })), 0],
  'a space in :path': [whole(head([], { ':path': '/a HTTP/1.1' })), 0],
  'a :path without a slash': [whole(head([], { ':path': 'a' })), 0],
  'an absolute :path': [whole(head([], { ':path': 'http://other/' })), 0],
  'a fragment in :path': [whole(head([], { ':path': '/a#b' })), 0],
  'CRLF in :method': [whole(head([], { ':method': `GET /hidden HTTP/1.1\r\nhost: h\r\n\r\nGET` })), 0],
  'a space in :method': [whole(head([], { ':method': 'GET /hidden' })), 0],
  'CRLF in :authority': [whole(head([], { ':authority': `h\r\n\r\n${hidden}` })), 0],
  'user information in :authority': [whole(head([], { ':authority': 'u@cart' })), 0],
  'CRLF in :scheme': [whole(head([], { ':scheme': `http\r\n\r\n${hidden}` })), 0],
  'a host that differs from :authority': [whole(head([['host', 'other']])), 0],
  'two hosts': [
    whole(
      head([
        ['host', 'cart'],
        ['host', 'cart'],
      ]),
    ),
    0,
  ],
  'transfer-encoding': [withData(head([['transfer-encoding', 'chunked']]), `0\r\n\r\n${hidden}`), 0],
  transfer_encoding: [withData(head([['transfer_encoding', 'chunked']]), `0\r\n\r\n${hidden}`), 0],
  'connection, which names a field': [
    whole(
      head([
        ['connection', 'x-a'],
        ['x-a', 'b'],
      ]),
    ),
    0,
  ],
  upgrade: [whole(head([['upgrade', 'websocket']])), 0],
  'te other than trailers': [whole(head([['te', 'chunked']])), 0],
  CONNECT: [
    whole(
      literals([
        [':method', 'CONNECT'],
        [':authority', 'cart:80'],
      ]),
    ),
    0,
  ],
  'extended CONNECT to something else': [
    withData(head([], { ':method': 'CONNECT', ':protocol': 'connect-udp' }), hidden),
    0,
  ],
  'two content-lengths': [
    withData(
      head([
        ['content-length', '1'],
        ['content-length', '2'],
      ]),
      'x',
    ),
    0,
  ],
  'a content-length with a sign': [withData(head([['content-length', '+1']]), 'x'), 0],
  'a list as content-length': [withData(head([['content-length', '1, 1']]), 'x'), 0],
  'a content-length, and no body': [whole(head([['content-length', '5']])), 0],
  // What is sent of these two is never whole for the server.
  'less DATA than content-length says': [withData(head([['content-length', '80']]), hidden), 0],
  'more DATA than content-length says': [withData(head([['content-length', '1']]), 'x', hidden), 1],
  'content-length 0, and DATA': [withData(head([['content-length', '0']]), hidden), 1],
  'chunk framing in DATA': [withData(head(), `0\r\n\r\n${hidden}`), 1],
  'GET with a body that is a request': [withData(head([], { ':method': 'GET' }), hidden), 1],
  'HEAD with a body that is a request': [withData(head([], { ':method': 'HEAD' }), hidden), 1],
  'expect, and no wait': [
    withData(
      head([
        ['expect', '100-continue'],
        ['content-length', `${hidden.length}`],
      ]),
      hidden,
    ),
    1,
  ],
  'a pseudo-header field in trailers': [
    Buffer.concat([
      frame(1, 4, 1, head()),
      frame(0, 0, 1, Buffer.from('x')),
      frame(1, 5, 1, literals([[':path', '/hidden']])),
    ]),
    0,
  ],
  'CRLF in a trailer': [
    Buffer.concat([
      frame(1, 4, 1, head()),
      frame(0, 0, 1, Buffer.from('x')),
      frame(1, 5, 1, literals([['x-a', `b\r\n\r\n${hidden}`]])),
    ]),
    0,
  ],
  'trailers that would frame': [
    Buffer.concat([
      frame(1, 4, 1, head()),
      frame(0, 0, 1, Buffer.from('x')),
      frame(
        1,
        5,
        1,
        literals([
          ['content-length', '0'],
          ['host', 'other'],
          ['x_a', 'b'],
          ['authorization', 'c'],
        ]),
      ),
    ]),
    1,
  ],
};

/** What a server of HTTP/1.1 answers, and what the client of HTTP/2 may be told: an end that is clean, or not. */
const http1Answers: Readonly<Record<string, readonly [bytes: string, verdict: 'whole' | 'broken']>> = {
  'two responses': [
    'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nhidden',
    'whole',
  ],
  '204 with a body': ['HTTP/1.1 204 No\r\n\r\nhidden', 'whole'],
  '304 with a body': ['HTTP/1.1 304 No\r\ncontent-length: 6\r\n\r\nhidden', 'whole'],
  'more than content-length': ['HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokhidden', 'whole'],
  'less than content-length': ['HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok', 'broken'],
  'both framings': [
    'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nhidden',
    'broken',
  ],
  'a coding that nobody knows': ['HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n', 'broken'],
  'two content-lengths': ['HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 8\r\n\r\nokhidden', 'broken'],
  'a switch that nobody asked for': [
    'HTTP/1.1 101 Go\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\nhidden',
    'broken',
  ],
  'obs-fold': ['HTTP/1.1 200 OK\r\nx-a: b\r\n c\r\ncontent-length: 2\r\n\r\nok', 'broken'],
  'bare LF': ['HTTP/1.1 200 OK\nx-a: b\ncontent-length: 2\n\nok', 'broken'],
  'a space before the colon': ['HTTP/1.1 200 OK\r\ncontent-length : 2\r\n\r\nok', 'broken'],
  'NUL in a value': ['HTTP/1.1 200 OK\r\nx-a: b\0\r\ncontent-length: 2\r\n\r\nok', 'broken'],
  'a chunk that breaks off': ['HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nok', 'broken'],
  'forbidden trailers': [
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\ncontent-length: 6\r\n\r\n',
    'broken',
  ],
  'interim responses without end': ['HTTP/1.1 103 Early\r\nlink: <a>\r\n\r\n'.repeat(1_000), 'broken'],
};

/** What a server of HTTP/2 answers on stream 1; no more than one response may come to the client of HTTP/1.1. */
const status = (code: string, more: readonly Field[] = []): Buffer => literals([[':status', code], ...more]);
const hiddenResponse = 'HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nhidden';
const answering = (block: Buffer, ...data: readonly string[]): Buffer => withData(block, ...data);
const http2Answers: Readonly<Record<string, Buffer>> = {
  '204 with DATA': answering(status('204'), hiddenResponse),
  '304 with DATA': answering(status('304'), hiddenResponse),
  'an interim response with END_STREAM': frame(1, 5, 1, status('103')),
  'more DATA than content-length says': answering(status('200', [['content-length', '2']]), 'ok', hiddenResponse),
  'less DATA than content-length says': answering(status('200', [['content-length', '90']]), hiddenResponse),
  'CRLF in a value': answering(status('200', [['x-a', `b\r\n\r\n${hiddenResponse}`]]), 'ok'),
  'CRLF in a name': answering(status('200', [['x-a\r\nx-b', 'c']]), 'ok'),
  'transfer-encoding': answering(status('200', [['transfer-encoding', 'chunked']]), `0\r\n\r\n${hiddenResponse}`),
  connection: answering(status('200', [['connection', 'close']]), 'ok'),
  'a status of four digits': answering(status('2000'), 'ok'),
  '101': frame(1, 5, 1, status('101')),
  'chunk framing in DATA': answering(status('200'), `0\r\n\r\n${hiddenResponse}`),
  'CRLF in a trailer': Buffer.concat([
    frame(1, 4, 1, status('200')),
    frame(0, 0, 1, Buffer.from('ok')),
    frame(1, 5, 1, literals([['x-a', `b\r\n\r\n${hiddenResponse}`]])),
  ]),
  'trailers that would frame': Buffer.concat([
    frame(1, 4, 1, status('200')),
    frame(0, 0, 1, Buffer.from('ok')),
    frame(
      1,
      5,
      1,
      literals([
        ['content-length', '6'],
        ['set-cookie', 'a=b'],
      ]),
    ),
  ]),
  'interim responses without end': Buffer.concat(Array.from({ length: 1_000 }, () => frame(1, 4, 1, status('103')))),
};

describe('attacks that cross between HTTP/1.1 and HTTP/2', () => {
  let mesh: MeshOfNamespaces;
  let web: TestPod;
  const servers: Server[] = [];
  /** What came to the server of HTTP/1.1, a text for each connection. */
  let reached: string[] = [];
  let answerHttp1: string | undefined;
  let answerHttp2: Buffer | undefined;

  const listen = (pod: TestPod, port: number, onSocket: (socket: Socket) => void): void => {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => {});
      onSocket(socket);
    });
    server.listen({ fd: mesh.listen(pod, port) });
    servers.push(server);
  };

  beforeAll(async () => {
    mesh = await MeshOfNamespaces.create();
    web = await mesh.addPod('web');
    const cart = await mesh.addPod('cart');
    listen(cart, 8080, (socket) => {
      const index = reached.push('') - 1;
      const all = reached;
      let answered = 0;
      socket.on('data', (chunk: Buffer) => {
        all[index] += chunk.toString('latin1');
        // Each request is answered once, however it is cut: an answer that nobody asked for would put the pool out of step.
        const whole = requestsIn(all[index] ?? '');
        for (const { target } of whole.slice(answered)) {
          if (target === '/probe') socket.write('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nprobe');
          else if (answerHttp1 !== undefined) socket.end(Buffer.from(answerHttp1, 'latin1'));
          else socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
        }
        answered = whole.length;
      });
    });
    listen(cart, 8081, (socket) => {
      socket.write(frame(4, 0, 0));
      let got = Buffer.alloc(0);
      let answered = 0;
      socket.on('data', (chunk: Buffer) => {
        got = Buffer.concat([got, chunk]);
        const opened = streamsOpened(got);
        for (const streamId of opened.slice(answered)) {
          if (answerHttp2 !== undefined) socket.write(onStream(answerHttp2, streamId));
        }
        answered = opened.length;
      });
    });
    mesh.addService('http1', http1Server, { pods: [cart], targetPort: 8080, protocol: 'http' });
    mesh.addService('http2', http2Server, { pods: [cart], targetPort: 8081, protocol: 'http2' });
  });

  afterAll(async () => {
    for (const server of servers) server.close();
    await mesh.close();
  });

  /** Sends frames to the server of HTTP/1.1, and gives what comes of stream 1. */
  const askInHttp2 = async (bytes: Buffer): Promise<StreamOutcome> => {
    const socket = await mesh.connect(web, { address: http1Server, port: 80 });
    const outcome = readStream(socket);
    socket.write(Buffer.concat([clientPreface, frame(4, 0, 0), frame(4, 1, 0), bytes]));
    const came = await outcome;
    socket.destroy();
    return came;
  };

  /** What a client hears on connections of the pool: if one were out of step, it would not be its own answer. */
  const probe = async (): Promise<void> => {
    const get = encodeHeaderList([
      [':method', 'GET'],
      [':scheme', 'http'],
      [':authority', 'cart'],
      [':path', '/probe'],
    ]);
    for (let i = 0; i < 2; i++) expect(await askInHttp2(whole(get))).toMatchObject({ status: 200, body: 'probe' });
  };

  it.each(Object.entries(requests))('to HTTP/1.1: %s', async (_name, [bytes, most]) => {
    reached = [];
    answerHttp1 = undefined;
    const { status: answer } = await askInHttp2(bytes);
    await probe();
    const all = reached.map((text) => text.replaceAll(/GET \/probe [^]*?\r\n\r\n/g, ''));
    const heads = all.join('').match(/^[A-Z]+ \/\S* HTTP\/1\.1\r\n/gm) ?? [];
    // The bytes of `hidden` may come as a body, never as what a server reads as a request.
    const read = all.flatMap((text) => requestsIn(text));
    expect(read.length).toBeLessThanOrEqual(most);
    expect(read.filter(({ target }) => target !== '/a')).toEqual([]);
    if (most === 0) expect([answer === 200, heads.filter((line) => line.includes('hidden'))]).toEqual([false, []]);
  });

  it.each(Object.entries(http1Answers))('from HTTP/1.1: %s', async (_name, [answer, verdict]) => {
    answerHttp1 = answer;
    const get = encodeHeaderList([
      [':method', 'GET'],
      [':scheme', 'http'],
      [':authority', 'cart'],
      [':path', '/a'],
    ]);
    const came = await askInHttp2(whole(get));
    expect(came.body).not.toContain('hidden');
    if (verdict === 'whole') expect(came).toMatchObject({ reset: false, status: Number(answer.slice(9, 12)) });
    else expect(came.reset || came.status === 502).toBe(true);
    // What one attempt and its repetition bring.
    expect(came.interim).toBeLessThanOrEqual(64);
    await probe();
  });

  it('from HTTP/1.1: HEAD with a body', async () => {
    answerHttp1 = 'HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nhidden';
    const came = await askInHttp2(whole(head([], { ':method': 'HEAD' })));
    expect(came).toMatchObject({ status: 200, body: '', reset: false });
    await probe();
  });

  it.each(
    Object.entries(http2Answers).flatMap(([name, bytes]) =>
      ['GET', 'HEAD'].map((method) => [name, method, bytes] as const),
    ),
  )('from HTTP/2: %s, to %s', async (_name, method, bytes) => {
    answerHttp2 = bytes;
    const socket = await mesh.connect(web, { address: http2Server, port: 80 });
    const came = readAll(socket);
    // A client that keeps its connection: what is left over would be the answer to its next request.
    socket.write(`${method} /a HTTP/1.1\r\nHost: cart\r\n\r\n`);
    await Promise.race([came, new Promise((resolve) => setTimeout(resolve, 300))]);
    socket.end();
    const text = await came;
    socket.destroy();
    const { messages, failure } = readResponses([Buffer.from(text, 'latin1')], { methods: [method] });
    const final = messages.filter(({ head: read }) => read['interim'] === false);
    expect([text.slice(0, 300), failure, final.length <= 1]).toEqual([text.slice(0, 300), undefined, true]);
    expect(messages.length - final.length).toBeLessThanOrEqual(64);
    for (const { payload, complete } of final) if (complete) expect(payload).not.toBe('hidden');
  });
});

/** Who has said nothing for so long waits for more. */
const silenceMs = 1_000;

interface StreamOutcome {
  status: number;
  interim: number;
  body: string;
  reset: boolean;
}

/** Reads frames until stream 1 has ended, was reset, or the connection is gone. */
function readStream(socket: Socket): Promise<StreamOutcome> {
  const outcome: StreamOutcome = { status: 0, interim: 0, body: '', reset: false };
  let bytes = Buffer.alloc(0);
  return new Promise((resolve) => {
    const over = (): void => {
      outcome.reset = true;
      resolve(outcome);
    };
    socket.on('end', over);
    socket.on('close', over);
    // Nothing to say is an answer, too: it must not be a request for the server.
    socket.setTimeout(silenceMs, () => resolve(outcome));
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      while (bytes.length >= 9 && bytes.length >= 9 + bytes.readUIntBE(0, 3)) {
        const length = bytes.readUIntBE(0, 3);
        const [type = 0, flags = 0] = bytes.subarray(3, 5);
        const payload = bytes.subarray(9, 9 + length);
        const streamId = bytes.readUInt32BE(5);
        bytes = bytes.subarray(9 + length);
        if (streamId !== 1) continue;
        if (type === 1) {
          const code = statusOf(payload);
          if (code < 200 && code > 0) outcome.interim += 1;
          else if (code > 0) outcome.status = code;
        }
        if (type === 0) outcome.body += payload.toString('latin1');
        // RST_STREAM without an error comes behind a whole response.
        if (type === 3) outcome.reset = payload.readUInt32BE(0) !== 0;
        if (type === 3 || (type <= 1 && (flags & 1) === 1)) resolve(outcome);
      }
    });
  });
}

/** The status of a block; 0 in trailers. */
function statusOf(block: Buffer): number {
  const headers = new Http2Headers();
  new HpackDecoder({ maxTableSize: 4_096, maxListBytes: 65_536, maxFields: 100 }).decode(
    block,
    0,
    block.length,
    headers,
  );
  return headers.checkResponse() === undefined ? headers.status : 0;
}

/** The streams whose HEADERS frame has come, behind the client's preface. */
function streamsOpened(bytes: Buffer): number[] {
  const opened: number[] = [];
  for (let at = clientPreface.length; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3)) {
    if (bytes[at + 3] === 1) opened.push(bytes.readUInt32BE(at + 5));
  }
  return opened;
}

/** The same frames for another stream. */
function onStream(frames: Buffer, streamId: number): Buffer {
  const bytes = Buffer.from(frames);
  for (let at = 0; at < bytes.length; at += 9 + bytes.readUIntBE(at, 3)) bytes.writeUInt32BE(streamId, at + 5);
  return bytes;
}

/** The requests that a server reads in `text`, which may break off: its whole heads with whole bodies. */
function requestsIn(text: string): { target: string }[] {
  const found: { target: string }[] = [];
  let rest = text;
  for (;;) {
    const match = /^[A-Z]+ (\S+) HTTP\/1\.1\r\n([^]*?)\r\n\r\n/.exec(rest);
    if (match === null) return found;
    const [all, target = '', fields = ''] = match;
    let body = rest.slice(all.length);
    const length = /^content-length: (\d+)/im.exec(fields);
    if (/^transfer-encoding: chunked/im.test(fields)) {
      const end = /^(?:([0-9a-f]+)\r\n)/i;
      for (;;) {
        const size = end.exec(body);
        if (size === null) return found;
        const bytes = Number.parseInt(size[1] ?? '0', 16);
        body = body.slice(size[0].length + bytes + (bytes === 0 ? 0 : 2));
        if (bytes > 0) continue;
        const trailers = /^[^]*?\r\n(?=$|[A-Z]+ )|^\r\n/.exec(body);
        body = body.slice(trailers?.[0].length ?? 0);
        break;
      }
    } else if (length !== null) {
      const bytes = Number(length[1]);
      if (body.length < bytes) return found;
      body = body.slice(bytes);
    }
    found.push({ target });
    rest = body;
  }
}
