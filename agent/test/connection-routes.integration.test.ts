import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { BackendTarget, RouteTable, TcpRule, TlsRule } from '@tulle/ir';
import type { TestPod } from './mesh-of-namespaces.ts';
import { MeshOfNamespaces, readAll } from './mesh-of-namespaces.ts';

const to = (name: string): BackendTarget => ({ type: 'service', service: `shop/${name}`, port: 80 });
const nowhere: BackendTarget = { type: 'invalid', reason: 'BackendNotFound', message: 'there is no such Service' };
const rule = (backends: readonly (readonly [BackendTarget, number])[], more: Partial<TcpRule> = {}): TcpRule => ({
  route: 'TCPRoute/shop/r',
  index: 0,
  backends: backends.map(([target, weight]) => ({ target, weight, filters: [] })),
  ...more,
});

describe('routes of connections, through the agent', () => {
  let mesh: MeshOfNamespaces;
  let web: TestPod;
  const servers: Server[] = [];
  let next = 10;

  beforeAll(async () => {
    mesh = await MeshOfNamespaces.create();
    web = await mesh.addPod('web');
    for (const name of ['one', 'two']) {
      const pod = await mesh.addPod(name);
      const plain = createServer((socket) => {
        socket.on('error', () => {});
        socket.once('data', () => socket.end(name));
      });
      plain.listen({ fd: mesh.listen(pod, 9000) });
      const leaf = mesh.ca.issue({ dnsNames: [name] });
      const secure = createTlsServer({ cert: leaf.certPem, key: leaf.keyPem, ALPNProtocols: ['echo'] }, (socket) => {
        socket.on('error', () => {});
        socket.on('data', (chunk: Buffer) => socket.end(`${name} ${socket.servername} ${chunk.length}`));
      });
      secure.listen({ fd: mesh.listen(pod, 9443) });
      servers.push(plain, secure);
      mesh.addService(name, `10.99.1.${next++}`, { pods: [pod], targetPort: 9000, protocol: 'tcp' });
      mesh.addService(`${name}-tls`, `10.99.1.${next++}`, { pods: [pod], targetPort: 9443, protocol: 'https' });
    }
    mesh.addService('empty', `10.99.1.${next++}`, { pods: [], targetPort: 9, protocol: 'tcp' });
  });

  afterAll(async () => {
    for (const server of servers) server.close();
    await mesh.close();
  });

  /** Puts routes on a Service of their own; gives the address of it once they are there. */
  const route = async (routes: RouteTable): Promise<string> => {
    const address = `10.99.2.${next++}`;
    mesh.addService(`front-${next}`, address, { pods: [], targetPort: 1, routes });
    await mesh.measures();
    return address;
  };

  const open = (address: string): Promise<Socket> => mesh.connect(web, { address, port: 80 });

  const ask = async (address: string): Promise<string> => {
    // A connection may be ended before its client hears that it was made.
    const socket = await open(address).catch(() => undefined);
    if (socket === undefined) return '';
    socket.write('hello');
    const answer = await readAll(socket);
    socket.destroy();
    return answer;
  };

  /** What the access of a client with this server name comes to: an answer, or the alert. */
  const askTls = async (address: string, servername: string | undefined, bytes = 5): Promise<string> => {
    const socket = await open(address);
    const secure = connectTls({
      socket,
      ALPNProtocols: ['echo'],
      rejectUnauthorized: false,
      ...(servername === undefined ? {} : { servername }),
    });
    const failed = new Promise<string>((resolve) => {
      secure.on('error', (error: NodeJS.ErrnoException) =>
        resolve(/alert number (\d+)/.exec(error.message)?.[0] ?? error.code ?? error.message),
      );
      secure.on('close', () => resolve('closed'));
    });
    secure.write(Buffer.alloc(bytes));
    const answer = await Promise.race([once(secure, 'data').then(([chunk]) => String(chunk)), failed]);
    secure.destroy();
    return answer;
  };

  const counted = async (): Promise<Record<string, number>> => {
    const { connections } = await mesh.measures();
    const sums: Record<string, number> = {};
    for (const { labels, count } of connections) {
      const [, , , , name, protocol, reason] = labels;
      const key = `${name} ${protocol} ${reason}`;
      sums[key] = (sums[key] ?? 0) + count;
    }
    return sums;
  };

  /** A connection is counted when its end has come, which may be after the client saw it: the count is waited for. */
  const counts = async (key: string, expected: number): Promise<void> => {
    for (const until = Date.now() + 5_000; (await counted())[key] !== expected && Date.now() < until;);
    expect((await counted())[key]).toBe(expected);
  };

  describe('a TCPRoute', () => {
    it('divides connections by weight, within a point of each share', async () => {
      const address = await route({
        kind: 'tcp',
        rules: [
          rule(
            [
              [to('one'), 3],
              [to('two'), 1],
              [to('two'), 0],
            ],
            { name: 'split' },
          ),
        ],
      });
      const answers: Record<string, number> = {};
      for (let i = 0; i < 20; i++) {
        for (const answer of await Promise.all(Array.from({ length: 10 }, () => ask(address)))) {
          answers[answer] = (answers[answer] ?? 0) + 1;
        }
      }
      expect(Object.keys(answers).sort()).toEqual(['one', 'two']);
      expect(Math.abs((answers['one'] ?? 0) - 150)).toBeLessThanOrEqual(2);
      await counts('TCPRoute/shop/r#split tcp ', 200);
    });

    it('ends the share of an invalid backend, and no other', async () => {
      const address = await route({
        kind: 'tcp',
        rules: [
          rule(
            [
              [to('one'), 1],
              [nowhere, 1],
            ],
            { name: 'half' },
          ),
        ],
      });
      const answers = [];
      for (let i = 0; i < 40; i++) answers.push(await ask(address));
      expect(Math.abs(answers.filter((answer) => answer === 'one').length - 20)).toBeLessThanOrEqual(1);
      const ended = answers.filter((answer) => answer === '').length;
      expect(answers.length).toBe(ended + answers.filter((answer) => answer === 'one').length);
      await counts('TCPRoute/shop/r#half tcp invalid-backend', ended);
    });

    it.each<readonly [string, TcpRule[], string]>([
      ['without rules', [], ' tcp no-route'],
      ['without backends', [rule([], { name: 'none' })], 'TCPRoute/shop/r#none tcp invalid-backend'],
      ['with all weights zero', [rule([[to('one'), 0]], { name: 'zero' })], 'TCPRoute/shop/r#zero tcp invalid-backend'],
      [
        'to a Service that is not known',
        [rule([[to('ghost'), 1]], { name: 'ghost' })],
        'TCPRoute/shop/r#ghost tcp invalid-backend',
      ],
      [
        'to a Service without endpoints',
        [rule([[to('empty'), 1]], { name: 'empty' })],
        'TCPRoute/shop/r#empty tcp no-healthy-endpoint',
      ],
    ])('%s ends every connection, with a reason', async (_what, rules, key) => {
      const before = (await counted())[key] ?? 0;
      const address = await route({ kind: 'tcp', rules });
      expect(await ask(address)).toBe('');
      await counts(key, before + 1);
    });
  });

  describe('a TLSRoute', () => {
    const tlsRule = (serverNames: readonly string[], target: BackendTarget, name: string): TlsRule => ({
      ...rule([[target, 1]], { route: 'TLSRoute/shop/t', index: next++, name }),
      serverNames,
    });
    let address: string;

    beforeAll(async () => {
      address = await route({
        kind: 'tls',
        rules: [
          tlsRule(['*.shop.example'], to('one-tls'), 'wide'),
          tlsRule(['*.deep.shop.example'], to('two-tls'), 'deep'),
          tlsRule(['cart.shop.example'], to('two-tls'), 'exact'),
          tlsRule(['gone.example'], nowhere, 'gone'),
          tlsRule(['empty.example'], to('empty'), 'empty'),
        ],
      });
    });

    it.each([
      ['the exact name before a wildcard', 'cart.shop.example', 'two cart.shop.example 5'],
      ['names in any case', 'CART.shop.EXAMPLE', /^two cart.shop.example 5$/i],
      ['a wildcard', 'a.shop.example', 'one a.shop.example 5'],
      ['several labels for a wildcard', 'a.b.shop.example', 'one a.b.shop.example 5'],
      ['the longer wildcard', 'a.deep.shop.example', 'two a.deep.shop.example 5'],
      ['the name of a wildcard without its first label', 'shop.example', 'alert number 112'],
      ['a name that nobody has', 'other.example', 'alert number 112'],
      ['no name', undefined, 'alert number 112'],
      ['an invalid backend', 'gone.example', 'alert number 80'],
      ['no endpoint', 'empty.example', 'ECONNRESET'],
    ])('follows %s', async (_what, name, wanted) => {
      expect(await askTls(address, name)).toEqual(
        typeof wanted === 'string' ? wanted.replace('CART', 'cart') : expect.stringMatching(wanted),
      );
    });

    it('carries the connection untouched: the client sees the application and its certificate, and counts by rule', async () => {
      const before = (await counted())['TLSRoute/shop/t#exact tls '] ?? 0;
      const socket = await open(address);
      const secure = connectTls({
        socket,
        servername: 'cart.shop.example',
        ca: mesh.ca.certificate.certPem,
        ALPNProtocols: ['echo'],
        checkServerIdentity: (_host, certificate) =>
          certificate.subjectaltname === 'DNS:two' ? undefined : new Error(String(certificate.subjectaltname)),
      });
      await once(secure, 'secureConnect');
      expect([secure.authorized, secure.alpnProtocol]).toEqual([true, 'echo']);
      secure.write(Buffer.alloc(1_000));
      const [answer] = (await once(secure, 'data')) as [Buffer];
      expect(String(answer)).toBe('two cart.shop.example 1000');
      secure.end();
      await once(secure, 'close');
      socket.destroy();
      await mesh.measures();
      await counts('TLSRoute/shop/t#exact tls ', before + 1);
    });

    it('takes a ClientHello byte by byte', async () => {
      const socket = await open(address);
      const sink = createServer();
      sink.listen(0, '127.0.0.1');
      await once(sink, 'listening');
      const of = sink.address() as { port: number };
      const probe = connectTls({ port: of.port, host: '127.0.0.1', servername: 'a.shop.example' });
      probe.on('error', () => {});
      const [accepted] = (await once(sink, 'connection')) as [Socket];
      const [hello] = (await once(accepted, 'data')) as [Buffer];
      accepted.destroy();
      sink.close();
      for (const byte of hello) socket.write(Buffer.of(byte));
      // A ServerHello, so the whole of it has reached the application.
      const [answer] = (await once(socket, 'data')) as [Buffer];
      expect(answer[0]).toBe(22);
      socket.destroy();
    });

    it.each([
      ['HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: cart.shop.example\r\n\r\n')],
      ['half a hello', Buffer.of(22, 3, 1, 0, 40, 1)],
    ])('ends %s with an alert that it cannot be read', async (_what, bytes) => {
      const before = (await counted())[' tls bad-client-hello'] ?? 0;
      const socket = await open(address);
      socket.end(bytes);
      expect(Buffer.from(await readAll(socket), 'latin1').toString('hex')).toBe('15030300020232');
      await counts(' tls bad-client-hello', before + 1);
    });
  });
});
