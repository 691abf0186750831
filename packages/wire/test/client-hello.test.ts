import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { connect } from 'node:tls';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ClientHelloReader, looksLikeTls, maxClientHelloBytes } from '../src/index.ts';
import { clientHello, extension, handshake, records, serverNameList, vector } from './client-hellos.ts';
import { everySplit } from './http1-events.ts';

function read(pieces: readonly Buffer[]): { state: string; failure?: string; name?: string; taken: number } {
  const reader = new ClientHelloReader();
  let taken = 0;
  for (const piece of pieces) {
    if (reader.state !== 'reading') break;
    // Chunks are used again by whoever reads from a socket.
    const chunk = Buffer.concat([Buffer.alloc(3), piece, Buffer.alloc(2)]);
    taken += reader.read(chunk, 3, 3 + piece.length) - 3;
    chunk.fill(0);
  }
  return {
    state: reader.state,
    ...(reader.failure === undefined ? {} : { failure: reader.failure }),
    ...(reader.serverName === undefined ? {} : { name: reader.serverName }),
    taken,
  };
}

function failureOf(input: Buffer): string | undefined {
  const [whole] = [...everySplit(input)].map((pieces) => read(pieces).failure ?? 'none');
  for (const pieces of everySplit(input)) expect(read(pieces).failure ?? 'none').toBe(whole);
  return whole;
}

const grease = [0x1a1a, Buffer.alloc(0)] as const;
const lateGrease = [0xfafa, Buffer.of(0)] as const;
const encryptedHello = [0xfe0d, Buffer.alloc(200, 3)] as const;

describe('a ClientHello', () => {
  it.each([
    ['with a name', { serverName: 'cart.shop.example' }, 'cart.shop.example'],
    ['with a name in capitals', { serverName: 'Cart.SHOP.example' }, 'cart.shop.example'],
    ['without a name', {}, undefined],
    ['with GREASE at both ends', { serverName: 'a.b', extensions: [grease, lateGrease] }, 'a.b'],
    ['with an encrypted one inside', { serverName: 'public.example', extensions: [encryptedHello] }, 'public.example'],
    ['of TLS 1.0', { serverName: 'a.b', version: 0x0301, sessionIdBytes: 0 }, 'a.b'],
  ] as const)('%s', (_what, parts, name) => {
    const hello = records(clientHello(parts));
    const after = Buffer.from('what the client sends next');
    for (const pieces of everySplit(hello)) {
      expect(read(pieces)).toEqual({ state: 'complete', ...(name === undefined ? {} : { name }), taken: hello.length });
    }
    expect(read([Buffer.concat([hello, after])]).taken).toBe(hello.length);
  });

  it('in records of every size, cut at every place', () => {
    const message = clientHello({ serverName: 'a.example', sessionIdBytes: 0 });
    for (const size of [1, 2, 3, 7, 50, message.length - 1]) {
      const input = records(message, size);
      for (const pieces of everySplit(input))
        expect(read(pieces)).toMatchObject({ state: 'complete', name: 'a.example' });
    }
  });

  it('without extensions, as before TLS 1.2', () => {
    const body = clientHello({ rawExtensions: Buffer.alloc(0) }).subarray(4, -2);
    expect(read([records(handshake(1, body))])).toMatchObject({ state: 'complete' });
  });

  it('of OpenSSL itself', async () => {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const client = connect({ port, host: '127.0.0.1', servername: 'front.shop.svc', ALPNProtocols: ['h2'] });
    client.on('error', () => {});
    const [socket] = (await once(server, 'connection')) as [Socket];
    const [hello] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    client.destroy();
    server.close();
    for (const pieces of everySplit(hello)) {
      expect(read(pieces)).toEqual({ state: 'complete', name: 'front.shop.svc', taken: hello.length });
    }
  });
});

describe('what is refused', () => {
  const good = clientHello({ serverName: 'a.b' });
  const named = (data: Buffer) => records(clientHello({ rawExtensions: extension(0, data) }));
  const patched = (at: number, ...values: number[]) => {
    const copy = Buffer.from(records(good));
    Buffer.from(values).copy(copy, at);
    return copy;
  };

  it.each<readonly [string, Buffer, string]>([
    ['another protocol', Buffer.from('GET / HTTP/1.1\r\n'), 'not-tls'],
    ['SSL 2', Buffer.of(0x80, 0x2e, 1, 0, 2), 'not-tls'],
    ['an alert first', Buffer.of(21, 3, 1, 0, 2, 2, 70), 'not-tls'],
    ['SSL 3', patched(2, 0), 'bad-record'],
    ['a version that is none', patched(2, 4), 'bad-record'],
    ['another major version', patched(1, 4), 'bad-record'],
    ['an empty record', Buffer.of(22, 3, 1, 0, 0), 'bad-record'],
    ['a record that is too long', Buffer.of(22, 3, 1, 0x40, 0x01), 'bad-record'],
    ['a record of another type in between', Buffer.concat([records(good.subarray(0, 9)), Buffer.of(23)]), 'bad-record'],
    ['another handshake message', records(handshake(2, Buffer.alloc(40))), 'not-client-hello'],
    ['a second message in its record', records(Buffer.concat([good, good])), 'not-client-hello'],
    ['a hello that is too large', records(Buffer.of(1, 1, 0, 0)), 'too-large'],
    ['a version inside that is none', patched(9, 2), 'bad-length'],
    ['a session id that is too long', records(clientHello({ sessionIdBytes: 33 })), 'bad-length'],
    ['no cipher suites', records(clientHello({ cipherSuites: Buffer.alloc(0) })), 'bad-length'],
    ['half a cipher suite', records(clientHello({ cipherSuites: Buffer.of(1, 2, 3) })), 'bad-length'],
    [
      'bytes behind the extensions',
      records(handshake(1, Buffer.concat([good.subarray(4), Buffer.of(0)]))),
      'bad-length',
    ],
    ['half an extension', records(clientHello({ rawExtensions: Buffer.of(0, 9, 0) })), 'bad-length'],
    ['an extension beyond the end', records(clientHello({ rawExtensions: Buffer.of(0, 9, 0, 1) })), 'bad-length'],
    ['an extension twice', records(clientHello({ extensions: [grease, grease] })), 'repeated-extension'],
    [
      'two server names',
      records(clientHello({ serverName: 'a.b', extensions: [[0, serverNameList('evil.example')]] })),
      'repeated-extension',
    ],
    ['two names in the list', named(serverNameList('a.b', 'c.d')), 'bad-length'],
    ['no name in the list', named(Buffer.of(0, 0)), 'bad-length'],
    ['bytes behind the list', named(Buffer.concat([serverNameList('a.b'), Buffer.of(0)])), 'bad-length'],
    [
      'a name of another type',
      named(vector(2, Buffer.concat([Buffer.of(1), vector(2, Buffer.from('a.b'))]))),
      'bad-server-name',
    ],
    ['an empty name', named(serverNameList('')), 'bad-server-name'],
    ['a name with a NUL', named(serverNameList('a.b\0.evil')), 'bad-server-name'],
    ['a name with a dot at its end', named(serverNameList('a.b.')), 'bad-server-name'],
    ['a name with an empty label', named(serverNameList('a..b')), 'bad-server-name'],
    ['a wildcard as a name', named(serverNameList('*.b')), 'bad-server-name'],
    ['a name that is no ASCII', named(serverNameList('bücher.example')), 'bad-server-name'],
    ['a name that is too long', named(serverNameList(`${'a.'.repeat(127)}aa`)), 'bad-server-name'],
  ])('%s', (_what, input, failure) => {
    expect(failureOf(input)).toBe(failure);
  });

  it('is bounded, however small the records are', () => {
    const reader = new ClientHelloReader();
    const record = Buffer.of(22, 3, 1, 0, 1, 0);
    const begin = records(Buffer.of(1, 0, maxClientHelloBytes >> 8, 0));
    reader.read(begin, 0, begin.length);
    expect(reader.failure).toBe('too-large');
    const largest = new ClientHelloReader();
    const length = maxClientHelloBytes - 4;
    const start = records(Buffer.of(1, 0, length >> 8, length & 255));
    largest.read(start, 0, start.length);
    let count = 0;
    while (largest.state === 'reading' && count <= maxClientHelloBytes) {
      largest.read(record, 0, record.length);
      count++;
    }
    expect([largest.failure, count]).toEqual(['bad-length', length]);
  });

  it('whatever is changed in a hello, it ends in a decision or waits for more, the same however it is cut', () => {
    const hello = records(clientHello({ serverName: 'cart.example', extensions: [grease] }), 40);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(hello.length - 1), fc.nat(255)), { maxLength: 6 }),
        fc.array(fc.nat(hello.length), { maxLength: 5 }),
        (changes, places) => {
          const input = Buffer.from(hello);
          for (const [at, value] of changes) input[at] = value;
          const sorted = [0, ...places.sort((a, b) => a - b), input.length];
          const pieces = sorted.slice(1).map((end, i) => input.subarray(sorted[i], end));
          const { taken: _a, ...cut } = read(pieces);
          const { taken: _b, ...whole } = read([input]);
          expect(cut).toEqual(whole);
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

describe('telling TLS from its first bytes', () => {
  it.each([
    [[], 'need-more'],
    [[22], 'need-more'],
    [[22, 3], 'yes'],
    [[22, 2], 'no'],
    [[71, 69], 'no'],
  ] as const)('%j: %s', (bytes, wanted) => {
    expect(looksLikeTls(Buffer.from(bytes), 0, bytes.length)).toBe(wanted);
  });
});
