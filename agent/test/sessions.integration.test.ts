import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { HttpRule, MeshSettings, SessionPersistence } from '@tulle/ir';
import { http1Exchange, Http1Backend, http2Call, http2Session } from './http-harness.ts';
import type { TestPod } from './mesh-of-namespaces.ts';
import { backendTo, MeshOfNamespaces, oneRule } from './mesh-of-namespaces.ts';

const cookie: SessionPersistence = { type: 'cookie', name: 'seat', path: '/', lifetime: 'session' };

describe('session persistence, through the agent', () => {
  let mesh: MeshOfNamespaces;
  let web: TestPod;
  const carts: TestPod[] = [];
  const backends: Http1Backend[] = [];
  const settings: MeshSettings = {
    trustDomain: 'cluster.local',
    mtlsMode: 'permissive',
    sessionKey: randomBytes(32).toString('base64url'),
  };

  const serve = (name: string, clusterIP: string, pods: readonly TestPod[]) =>
    mesh.addService(name, clusterIP, { pods, targetPort: 8080, protocol: 'http' });

  beforeAll(async () => {
    mesh = await MeshOfNamespaces.create();
    web = await mesh.addPod('web');
    for (const name of ['cart1', 'cart2', 'cart3', 'cart4']) {
      const pod = await mesh.addPod(name);
      const backend = new Http1Backend().listen(mesh, pod, 8080);
      backend.handle = (_request, response) => response.setHeader('set-cookie', 'app=1; Path=/').end(name);
      carts.push(pod);
      backends.push(backend);
    }
  });

  beforeEach(() => {
    mesh.apply({ settings });
    serve('cart', '10.99.0.10', carts);
    serve('canary', '10.99.0.11', carts.slice(0, 1));
  });

  afterAll(async () => {
    for (const backend of backends) backend.close();
    await mesh.close();
  });

  const route = async (rule: Partial<HttpRule>) => {
    mesh.addService('front', '10.99.0.20', { pods: [], targetPort: 1, table: oneRule(rule) });
    await mesh.measures();
  };

  /** One request on a connection of its own; `field` is a whole header line, or nothing. */
  const ask = async (field = '') => {
    const answer = await http1Exchange(
      mesh,
      web,
      '10.99.0.20',
      `GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n${field}\r\n`,
    );
    const seat = /\r\nset-cookie: seat=([^;\r]*)/i.exec(answer)?.[1];
    return { answer, seat, header: /\r\nx-seat: ([^\r]*)/i.exec(answer)?.[1], by: /cart\d$/.exec(answer)?.[0] };
  };
  const askWith = (seat: string | undefined) => ask(`Cookie: a=b; seat=${seat}\r\n`);
  const many = async (count: number, seat: string | undefined) => {
    const seen = new Set<string | undefined>();
    for (let i = 0; i < count; i++) seen.add((await askWith(seat)).by);
    return [...seen];
  };

  it('keeps requests with the cookie at one endpoint, and gives it once', async () => {
    await route({ backends: [backendTo('cart')], sessionPersistence: cookie });
    const first = await ask();
    expect(first.answer).toMatch(/set-cookie: seat=[\w-]{44}; Path=\/; HttpOnly; SameSite=Strict\r\n/i);
    expect(first.answer).toMatch(/set-cookie: app=1/);
    expect(await many(12, first.seat)).toEqual([first.by]);
    expect((await askWith(first.seat)).seat).toBeUndefined();
    const others = new Set<string | undefined>();
    for (let i = 0; i < 24; i++) others.add((await ask()).by);
    expect(others.size).toBeGreaterThan(1);
  });

  it('keeps them by a header', async () => {
    const sessionPersistence: SessionPersistence = { type: 'header', name: 'X-Seat', lifetime: 'session' };
    await route({ backends: [backendTo('cart')], sessionPersistence });
    const first = await ask();
    expect(first.header).toMatch(/^[\w-]{44}$/);
    for (let i = 0; i < 8; i++) expect(await ask(`x-seat: ${first.header}\r\n`)).toMatchObject({ by: first.by });
    expect((await ask(`x-seat: ${first.header}\r\n`)).header).toBeUndefined();
  });

  it('takes no token that was changed, of another name, or by another key', async () => {
    await route({ backends: [backendTo('cart')], sessionPersistence: cookie });
    const { seat = '' } = await ask();
    const flipped = `${seat.slice(0, 20)}${seat[20] === 'A' ? 'B' : 'A'}${seat.slice(21)}`;
    for (const wrong of [flipped, '', 'x'.repeat(5000)]) expect((await askWith(wrong)).seat).toMatch(/^[\w-]{44}$/);
    await route({ backends: [backendTo('cart')], sessionPersistence: { ...cookie, name: 'other' } });
    expect((await ask(`Cookie: other=${seat}\r\n`)).answer).toMatch(/set-cookie: other=/i);
    await route({ backends: [backendTo('cart')], sessionPersistence: cookie });
    expect((await askWith(seat)).seat).toBeUndefined();
    mesh.apply({ settings: { ...settings, sessionKey: randomBytes(32).toString('base64url') } });
    expect((await askWith(seat)).seat).toMatch(/^[\w-]{44}$/);
  });

  it('survives changes of the endpoints; where its own is gone, a new session begins', async () => {
    await route({ backends: [backendTo('cart')], sessionPersistence: cookie });
    const first = await ask();
    const [own, ...others] = [...carts].sort((a) => (a.spec.name === first.by ? -1 : 1)) as [TestPod, ...TestPod[]];
    serve('cart', '10.99.0.10', [...others.slice(0, 1), own]);
    await mesh.measures();
    expect(await many(8, first.seat)).toEqual([own.spec.name]);
    serve('cart', '10.99.0.10', others);
    await mesh.measures();
    const second = await askWith(first.seat);
    expect(second.seat).toMatch(/^[\w-]{44}$/);
    expect(second.by).not.toBe(own.spec.name);
    expect(await many(8, second.seat)).toEqual([second.by]);
  });

  it('begins anew when its time is over', async () => {
    await route({ backends: [backendTo('cart')], sessionPersistence: { ...cookie, absoluteTimeoutMs: 1 } });
    const first = await ask();
    expect((await askWith(first.seat)).seat).toMatch(/^[\w-]{44}$/);
    const permanent = { ...cookie, lifetime: 'permanent', absoluteTimeoutMs: 3_600_000 } as const;
    await route({ backends: [backendTo('cart')], sessionPersistence: permanent });
    expect((await ask()).answer).toMatch(/seat=[\w-]{44}; Path=\/; Max-Age=3600; HttpOnly/);
  });

  it('comes before weights, and goes on where the weight has become 0', async () => {
    const split = (canary: number) =>
      route({
        backends: [backendTo('cart', { weight: 100 - canary }), backendTo('canary', { weight: canary })],
        sessionPersistence: cookie,
      });
    await split(100);
    const atCanary = await ask();
    expect(atCanary.by).toBe('cart1');
    serve('cart', '10.99.0.10', carts.slice(1));
    await split(1);
    expect(await many(8, atCanary.seat)).toEqual(['cart1']);
    await split(0);
    expect(await many(8, atCanary.seat)).toEqual(['cart1']);
    expect((await ask()).by).not.toBe('cart1');
  });

  it('tries another endpoint when its own fails, and the session goes there', async () => {
    const retry = { codes: [503], connectionErrors: true, attempts: 1, backoffMs: 1 };
    await route({ backends: [backendTo('cart')], sessionPersistence: cookie, retry });
    const first = await ask();
    const at = carts.findIndex((pod) => pod.spec.name === first.by);
    const backend = backends[at] as Http1Backend;
    const { handle } = backend;
    backend.handle = (_request, response) => response.writeHead(503).end();
    const second = await askWith(first.seat);
    expect(second.by).toMatch(/cart/);
    expect(second.by).not.toBe(first.by);
    expect(second.seat).toMatch(/^[\w-]{44}$/);
    backend.handle = handle;
  });

  it('is kept for a Service that asks for it, without routes and with them, over HTTP/2 too', async () => {
    const service = {
      namespace: 'shop',
      name: 'cart',
      clusterIPs: ['10.99.0.10'],
      trafficDistribution: 'any',
      ports: [{ port: 80, name: 'http', protocol: 'http', routeKind: 'none' }],
      sessionPersistence: cookie,
    } as const;
    mesh.apply({ services: { changed: new Map([['shop/cart', service]]), removed: [] } });
    await route({ backends: [backendTo('cart')] });
    const routed = await ask();
    expect(await many(8, routed.seat)).toEqual([routed.by]);
    const session = await http2Session(mesh, web, '10.99.0.10');
    const first = await http2Call(session, { ':path': '/' });
    const seat = String(first.headers['set-cookie']).match(/seat=([\w-]{44});/)?.[1];
    for (let i = 0; i < 8; i++) {
      const next = await http2Call(session, { ':path': '/', cookie: ['a=b', `seat=${seat}`] });
      expect(next.body.toString()).toBe(first.body.toString());
      expect(String(next.headers['set-cookie'])).not.toMatch(/seat=/);
    }
    session.close();
  });

  it('is not kept while there is no key', async () => {
    mesh.apply({ settings: { trustDomain: 'cluster.local', mtlsMode: 'permissive' } });
    await route({ backends: [backendTo('cart')], sessionPersistence: cookie });
    const { answer, seat } = await ask();
    expect(answer).toMatch(/^HTTP\/1\.1 200/);
    expect(seat).toBeUndefined();
  });
});
