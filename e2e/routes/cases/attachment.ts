import { call, CaseGroup, dial, get, noRoute, ok, route, rule, to } from '../build.ts';

const groups = new CaseGroup('groups');
const guest = { from: 'guests' } as const;
const consumer = { namespace: 'guests' };

groups.add(
  'a producer route acts on clients of every namespace',
  (service) => [route('HTTPRoute', service, { rules: [rule('blue')] })],
  get('/', ok('blue')),
  get('/', ok('blue'), guest),
);
groups.add(
  'a consumer route acts on its own namespace only',
  (service) => [route('HTTPRoute', service, { rules: [rule('blue')] }, consumer)],
  get('/', ok('red')),
  get('/', ok('blue'), guest),
);
groups.add(
  'a consumer route takes the place of the producer route',
  (service) => [
    route('HTTPRoute', service, { rules: [rule('green')] }),
    route('HTTPRoute', service, { rules: [rule('blue', [{ path: { value: '/b' } }])] }, consumer),
  ],
  get('/b', ok('green')),
  get('/b', ok('blue'), guest),
  get('/', noRoute, guest),
);
groups.add(
  'routes of one group merge',
  (service) => [
    route('HTTPRoute', service, { rules: [rule('blue', [{ path: { value: '/b' } }])] }, { name: `${service}-a` }),
    route('HTTPRoute', service, { rules: [rule('green', [{ path: { value: '/g' } }])] }, { name: `${service}-b` }),
  ],
  get('/b', ok('blue')),
  get('/g', ok('green')),
  get('/', noRoute),
);
groups.add(
  'a route of one port leaves the others',
  (service) => [route('HTTPRoute', service, { rules: [rule('blue')] }, { parent: { port: 80 } })],
  get('/', ok('blue')),
  get('/', ok('red'), { port: 81 }),
);
groups.add(
  'a route of a named port',
  (service) => [route('HTTPRoute', service, { rules: [rule('blue')] }, { parent: { sectionName: 'other' } })],
  get('/', ok('red')),
  get('/', ok('blue'), { port: 81 }),
);
groups.add(
  'a route of a Service is for all of its ports',
  (service) => [route('HTTPRoute', service, { rules: [rule('blue')] })],
  get('/', ok('blue')),
  get('/', ok('blue'), { port: 81 }),
);
groups.add(
  'host names are ignored',
  (service) => [route('HTTPRoute', service, { hostnames: ['other.example'], rules: [rule('blue')] })],
  get('/', ok('blue')),
);
groups.add(
  'a rule that cannot be used leaves the others',
  (service) => [
    route('HTTPRoute', service, {
      rules: [rule('red', [{ path: { type: 'RegularExpression', value: '/(' } }]), rule('blue')],
    }),
  ],
  get('/', ok('blue')),
);
groups.add(
  'a filter that is not known fails its requests, never skips',
  (service) => [
    route('HTTPRoute', service, {
      rules: [
        rule('red', [{ path: { value: '/x' } }], {
          filters: [{ type: 'ExtensionRef', extensionRef: { group: 'example.com', kind: 'K', name: 'n' } }],
        }),
        rule('blue'),
      ],
    }),
  ],
  get('/x', { status: 500 }),
  get('/', ok('blue')),
);

const conflicts = new CaseGroup('conflicts');
const tcpRules = { rules: [{ backendRefs: [to('green', { port: 7000 })] }] };
conflicts.add(
  'GRPCRoute before HTTPRoute',
  (service) => [
    route('HTTPRoute', service, { rules: [rule('red')] }, { name: `${service}-a` }),
    route('GRPCRoute', service, { rules: [{ backendRefs: [to('blue', { port: 90 })] }] }, { name: `${service}-b` }),
  ],
  call('/shop.Cart/Add', { status: 200, version: 'blue', grpcStatus: '0' }),
);
conflicts.add(
  'HTTPRoute before TCPRoute',
  (service) => [
    route('TCPRoute', service, tcpRules, { name: `${service}-a` }),
    route('HTTPRoute', service, { rules: [rule('blue')] }, { name: `${service}-b` }),
  ],
  get('/', ok('blue')),
);
conflicts.add(
  'a route that is refused does not win',
  (service) => [
    route(
      'GRPCRoute',
      service,
      { rules: [{ matches: [{ method: { type: 'RegularExpression', service: '(' } }] }] },
      { name: `${service}-a` },
    ),
    route('HTTPRoute', service, { rules: [rule('blue')] }, { name: `${service}-b` }),
  ],
  get('/', ok('blue')),
);
conflicts.add(
  'of the producer and a consumer are none',
  (service) => [route('HTTPRoute', service, { rules: [rule('blue')] }), route('TCPRoute', service, tcpRules, consumer)],
  get('/', ok('blue')),
  dial({ line: 'green' }, { ...guest, port: 80 }),
);

const connections = new CaseGroup('connections');
connections.add('without a route', () => [], dial({ line: 'red' }));
connections.add(
  'a TCPRoute',
  (service) => [route('TCPRoute', service, tcpRules, { parent: { port: 7000 } })],
  dial({ line: 'green' }),
  get('/', ok('red')),
);
connections.add(
  'a TCPRoute with weights',
  (service) => [
    route(
      'TCPRoute',
      service,
      { rules: [{ backendRefs: [to('blue', { port: 7000, weight: 3 }), to('green', { port: 7000, weight: 1 })] }] },
      { parent: { port: 7000 } },
    ),
  ],
  dial({ shares: { blue: 60, green: 20 }, within: 4 }, { count: 80 }),
);
connections.add(
  'a TCPRoute to nothing',
  (service) => [
    route(
      'TCPRoute',
      service,
      { rules: [{ backendRefs: [to('not-there', { port: 7000 })] }] },
      { parent: { port: 7000 } },
    ),
  ],
  dial({ fails: true }),
);
connections.add(
  'a TCPRoute of a consumer',
  (service) => [route('TCPRoute', service, tcpRules, { ...consumer, parent: { port: 7000 } })],
  dial({ line: 'red' }),
  dial({ line: 'green' }, guest),
);

export const cases = [groups, conflicts, connections].flatMap((group) => group.cases);
