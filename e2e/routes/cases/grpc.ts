import { call, CaseGroup, counted, route, to } from '../build.ts';
import type { Expectation } from '../model.ts';

const group = new CaseGroup('grpc');
const h2 = (name: string, more: object = {}) => to(name, { port: 90, ...more });
const rule = (name: string, matches: readonly object[] = [], more: object = {}) => ({
  ...(matches.length === 0 ? {} : { matches }),
  backendRefs: [h2(name)],
  ...more,
});
const method = (service: string | undefined, name?: string, type = 'Exact') => ({
  method: { type, ...(service === undefined ? {} : { service }), ...(name === undefined ? {} : { method: name }) },
});
const ok = (version: 'red' | 'blue' | 'green'): Expectation => ({ status: 200, version, grpcStatus: '0' });
const unimplemented: Expectation = { status: 200, grpcStatus: '12' };
const unavailable: Expectation = { status: 200, grpcStatus: '14' };

group.grpc('everything', [rule('blue')], call('/shop.Cart/Add', ok('blue')));
group.grpc(
  'a service and method',
  [rule('blue', [method('shop.Cart', 'Add')])],
  call('/shop.Cart/Add', ok('blue')),
  call('/shop.Cart/Drop', unimplemented),
  call('/shop.Carts/Add', unimplemented),
);
group.grpc(
  'a service',
  [rule('blue', [method('shop.Cart')])],
  call('/shop.Cart/Any', ok('blue')),
  call('/shop.Other/Any', unimplemented),
);
group.grpc(
  'a method of any service',
  [rule('blue', [method(undefined, 'Add')])],
  call('/shop.Cart/Add', ok('blue')),
  call('/x.Y/Add', ok('blue')),
  call('/x.Y/Drop', unimplemented),
);
group.grpc(
  'expressions',
  [rule('blue', [method('shop\\.[A-Z].*', '(Get|List).*', 'RegularExpression')])],
  call('/shop.Cart/GetAll', ok('blue')),
  call('/shop.Cart/Add', unimplemented),
  call('/shop.cart/GetAll', unimplemented),
);
group.grpc(
  'a header',
  [rule('blue', [{ headers: [{ name: 'X-Team', value: 'qa' }] }]), rule('red')],
  call('/a.B/C', ok('blue'), { headers: { 'x-team': 'qa' } }),
  call('/a.B/C', ok('red'), { headers: { 'x-team': 'dev' } }),
);
group.grpc(
  'the longer service first',
  [rule('red', [method('shop.Cart')]), rule('blue', [method('shop.Cart', 'Add')])],
  call('/shop.Cart/Add', ok('blue')),
  call('/shop.Cart/Get', ok('red')),
);
group.grpc(
  'a method before headers',
  [rule('red', [{ headers: [{ name: 'a', value: '1' }] }]), rule('blue', [method(undefined, 'Add')])],
  call('/a.B/Add', ok('blue'), { headers: { a: '1' } }),
  call('/a.B/Get', ok('red'), { headers: { a: '1' } }),
);
group.grpc(
  'more headers first',
  [
    rule('red', [{ headers: [{ name: 'a', value: '1' }] }]),
    rule('blue', [
      {
        headers: [
          { name: 'a', value: '1' },
          { name: 'b', value: '2' },
        ],
      },
    ]),
  ],
  call('/a.B/C', ok('blue'), { headers: { a: '1', b: '2' } }),
  call('/a.B/C', ok('red'), { headers: { a: '1' } }),
);
group.grpc(
  'a request header',
  [
    rule('blue', [], {
      filters: [
        {
          type: 'RequestHeaderModifier',
          requestHeaderModifier: { set: [{ name: 'x-set', value: 's' }], remove: ['x-gone'] },
        },
      ],
    }),
  ],
  call(
    '/a.B/C',
    { ...ok('blue'), seen: { headers: { 'x-set': 's', 'x-gone': null } } },
    { headers: { 'x-gone': 'g' } },
  ),
);
group.grpc(
  'a response header',
  [
    rule('blue', [], {
      filters: [
        { type: 'ResponseHeaderModifier', responseHeaderModifier: { set: [{ name: 'x-from-server', value: 'no' }] } },
      ],
    }),
  ],
  call('/a.B/C', { ...ok('blue'), headers: { 'x-from-server': 'no' } }),
);
group.grpc(
  'weights',
  [{ backendRefs: [h2('red', { weight: 3 }), h2('blue', { weight: 1 })] }],
  call('/a.B/C', { shares: { '200 red': 75, '200 blue': 25 }, within: 4 }, { count: 100 }),
);
group.grpc('a backend that is not there', [rule('not-there')], call('/a.B/C', unavailable));
group.grpc('a backend without endpoints', [rule('nobody')], call('/a.B/C', unavailable));
group.grpc('no backends', [{}], call('/a.B/C', unavailable));
group.grpc(
  'a filter of a backend',
  [
    {
      backendRefs: [
        h2('blue', {
          filters: [{ type: 'RequestHeaderModifier', requestHeaderModifier: { set: [{ name: 'x-b', value: 'b' }] } }],
        }),
      ],
    },
  ],
  call('/a.B/C', { ...ok('blue'), seen: { headers: { 'x-b': 'b' } } }),
);
group.add(
  'an HTTPRoute for calls',
  (service) => [
    route('HTTPRoute', service, { rules: [{ matches: [{ path: { value: '/a.B' } }], backendRefs: [h2('blue')] }] }),
  ],
  call('/a.B/C', ok('blue')),
);
group.grpc(
  'a mirror',
  [rule('blue', [], { filters: [{ type: 'RequestMirror', requestMirror: { backendRef: h2('green') } }] })],
  call('/a.B/C', ok('blue'), { headers: { 'x-key': 'grpc-mirror' }, count: 5 }),
  counted('blue', 'grpc-mirror', 5),
);

export const { cases } = group;
