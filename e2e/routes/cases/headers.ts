import { CaseGroup, get, rule, to } from '../build.ts';

const group = new CaseGroup('headers');
const request = (modifier: object) => ({ type: 'RequestHeaderModifier', requestHeaderModifier: modifier });
const response = (modifier: object) => ({ type: 'ResponseHeaderModifier', responseHeaderModifier: modifier });
const one = (name: string, value: string) => [{ name, value }];
const filtered = (...filters: object[]) => [rule('blue', [], { filters })];
const onBackend = (...filters: object[]) => [{ backendRefs: [to('blue', { filters })] }];

for (const [where, make] of [
  ['a rule', filtered],
  ['a backend', onBackend],
] as const) {
  group.http(
    `${where} sets a request header`,
    make(request({ set: one('X-Set', 'by-route') })),
    get('/', { status: 200, seen: { headers: { 'x-set': 'by-route' } } }),
    get('/', { seen: { headers: { 'x-set': 'by-route' } } }, { headers: { 'x-set': 'by-client' } }),
  );
  group.http(
    `${where} adds to a request header`,
    make(request({ add: one('X-Add', 'more') })),
    get('/', { seen: { headers: { 'x-add': 'more' } } }),
    get('/', { seen: { headers: { 'x-add': /^some, ?more$/ } } }, { headers: { 'X-Add': 'some' } }),
  );
  group.http(
    `${where} removes a request header, whatever its case`,
    make(request({ remove: ['x-Secret'] })),
    get(
      '/',
      { seen: { headers: { 'x-secret': null, 'x-other': 'o' } } },
      { headers: { 'X-SECRET': 's', 'x-other': 'o' } },
    ),
  );
  group.http(
    `${where} sets, adds and removes response headers`,
    make(response({ set: one('X-From-Server', 'no'), add: one('X-New', 'n'), remove: ['x-version'] })),
    get('/', { status: 200, headers: { 'x-from-server': 'no', 'x-new': 'n', 'x-version': null } }),
  );
}
group.http(
  'request and response headers together',
  filtered(request({ set: one('a', '1') }), response({ set: one('b', '2') })),
  get('/', { headers: { b: '2' }, seen: { headers: { a: '1' } } }),
);
group.http(
  'those of a backend come after those of the rule',
  [
    {
      filters: [request({ set: one('x', 'rule') })],
      backendRefs: [to('blue', { filters: [request({ set: one('x', 'backend') })] })],
    },
  ],
  get('/', { seen: { headers: { x: 'backend' } } }),
);
group.http(
  'those of one backend are not for the other',
  [
    { backendRefs: [to('red', { filters: [request({ set: one('x', 'red') })] }), to('blue', { weight: 0 })] },
    {
      matches: [{ path: { value: '/b' } }],
      backendRefs: [to('red', { weight: 0, filters: [request({ set: one('x', 'red') })] }), to('blue')],
    },
  ],
  get('/', { version: 'red', seen: { headers: { x: 'red' } } }),
  get('/b', { version: 'blue', seen: { headers: { x: null } } }),
);
group.http(
  'a header is matched as the client sent it',
  [rule('blue', [{ headers: one('x', 'client') }], { filters: [request({ set: one('x', 'route') })] }), rule('red')],
  get('/', { version: 'blue', seen: { headers: { x: 'route' } } }, { headers: { x: 'client' } }),
  get('/', { version: 'red' }, { headers: { x: 'route' } }),
);

export const { cases } = group;
