import { describe, expect, it } from '@jest/globals';
import type { ServiceRoutes, TlsRule } from '@tulle/ir';
import { CompiledServiceRoutes } from './service-routes.ts';
import { CompiledTcpRoutes, CompiledTlsRoutes } from './tcp-routes.ts';
import { backend, httpMatch, httpRule } from './testing/tables.ts';

const tls = (index: number, ...serverNames: string[]): TlsRule => ({
  route: 'TLSRoute/shop/t',
  index,
  backends: [backend(`b${index}`)],
  serverNames,
});

describe('TLS rules', () => {
  const routes = new CompiledTlsRoutes([
    tls(0, '*.example'),
    tls(1, 'a.example', 'b.example'),
    tls(2, '*.deep.example'),
    tls(3, 'a.example'),
  ]);
  const to = (name: string | undefined) => routes.match(name)?.rule.index;

  it('prefer the exact name, then the longest wildcard', () => {
    expect(to('a.example')).toBe(1);
    expect(to('c.example')).toBe(0);
    expect(to('x.deep.example')).toBe(2);
  });

  it('take a wildcard for one label or more, not for none', () => {
    expect(to('x.y.example')).toBe(0);
    expect(to('deep.example')).toBe(0);
    expect(to('example')).toBeUndefined();
    expect(to('.example')).toBeUndefined();
  });

  it('compare names without case', () => {
    expect(to('A.Example')).toBe(1);
  });

  it('have nothing for other names, or none', () => {
    expect([to('other.test'), to(undefined)]).toEqual([undefined, undefined]);
  });

  it('take every connection when they name no server', () => {
    const any = new CompiledTlsRoutes([tls(0)]);
    expect([any.match(undefined)?.rule.index, any.match('x')?.rule.index]).toEqual([0, 0]);
  });
});

describe('TCP rules', () => {
  const rules = (...weights: number[]) => [
    { route: 'TCPRoute/shop/t', index: 0, backends: weights.map((weight, i) => backend(`b${i}`, weight)) },
  ];

  it('share connections by weight and carry on after a change', () => {
    let routes = new CompiledTcpRoutes(rules(3, 1));
    let second = 0;
    for (let i = 0; i < 400; i++) {
      const target = routes.match()?.pickBackend();
      if (target?.type === 'service' && target.service === 'shop/b1') second++;
      routes = new CompiledTcpRoutes(rules(3, 1), routes);
    }
    expect(Math.abs(second - 100)).toBeLessThanOrEqual(3);
  });

  it('have nothing without backends', () => {
    expect(new CompiledTcpRoutes(rules()).match()?.pickBackend()).toBeUndefined();
    expect(new CompiledTcpRoutes([]).match()).toBeUndefined();
  });
});

describe('the routes of a Service port', () => {
  const group = (route: string) =>
    ({
      kind: 'http',
      table: { rules: [{ ...httpRule(0), route }], matches: [{ match: httpMatch('/'), rule: 0 }] },
    }) as const;
  const routes: ServiceRoutes = {
    namespace: 'shop',
    name: 'cart',
    port: 80,
    producer: group('HTTPRoute/shop/p'),
    consumers: { web: group('HTTPRoute/web/c') },
  };

  it("are the consumer's alone where its namespace has some, else the producer's", () => {
    const compiled = new CompiledServiceRoutes(routes);
    const consumer = compiled.forClient('web');
    const producer = compiled.forClient('other');
    expect(producer).not.toBe(consumer);
    expect(compiled.forClient('shop')).toBe(producer);
    expect(consumer).toBeDefined();
  });

  it('are none for a client without a group when there is no producer', () => {
    const { producer, ...rest } = routes;
    expect(producer).toBeDefined();
    expect(new CompiledServiceRoutes(rest).forClient('other')).toBeUndefined();
  });
});
