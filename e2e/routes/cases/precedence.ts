import { CaseGroup, exact, get, ok, prefix, regex, route, rule } from '../build.ts';

const group = new CaseGroup('precedence');
const header = (count: number) => ({
  headers: Array.from({ length: count }, (_, i) => ({ name: `h${i}`, value: 'v' })),
});
const query = (count: number) => ({
  queryParams: Array.from({ length: count }, (_, i) => ({ name: `q${i}`, value: 'v' })),
});
const all = { headers: { h0: 'v', h1: 'v', h2: 'v' } };
const path = '/a/b?q0=v&q1=v&q2=v';

/** Whatever is written first, the second of these wins. */
const wins = (name: string, loser: object, winner: object) =>
  group.http(name, [rule('red', [loser]), rule('blue', [winner])], get(path, ok('blue'), all));

wins('an exact path before a prefix', prefix('/a/b'), exact('/a/b'));
wins(
  'an exact path before a prefix with a method and headers',
  { ...prefix('/a/b'), method: 'GET', ...header(3) },
  exact('/a/b'),
);
wins('an exact path before an expression', regex('/a/.*'), exact('/a/b'));
wins('the longer prefix', prefix('/a'), prefix('/a/b'));
wins('the longer prefix before a method', { ...prefix('/a'), method: 'GET' }, prefix('/a/b'));
wins('a prefix before an expression', regex('/a/b|/something/very/long'), prefix('/'));
wins('the longer expression', regex('/a/.'), regex('/a/[b-z]'));
wins('a method before none', prefix('/a'), { ...prefix('/a'), method: 'GET' });
wins('a method before headers', { ...prefix('/a'), ...header(3) }, { ...prefix('/a'), method: 'GET' });
wins('more headers', { ...prefix('/a'), ...header(1) }, { ...prefix('/a'), ...header(2) });
wins('a header before query parameters', { ...prefix('/a'), ...query(3) }, { ...prefix('/a'), ...header(1) });
wins('more query parameters', { ...prefix('/a'), ...query(1) }, { ...prefix('/a'), ...query(2) });
group.http(
  'the first of equal rules',
  [rule('blue', [prefix('/a')]), rule('red', [prefix('/a')])],
  get(path, ok('blue')),
);
group.add(
  'the older of two routes',
  (service) => [
    route('HTTPRoute', service, { rules: [rule('red')] }, { name: `${service}-a`, created: '2025-01-02T00:00:00Z' }),
    route('HTTPRoute', service, { rules: [rule('blue')] }, { name: `${service}-b`, created: '2025-01-01T00:00:00Z' }),
  ],
  get('/', ok('blue')),
);
group.add(
  'the first by name of routes of one age',
  (service) => [
    route('HTTPRoute', service, { rules: [rule('red')] }, { name: `${service}-b`, created: '2025-01-01T00:00:00Z' }),
    route('HTTPRoute', service, { rules: [rule('blue')] }, { name: `${service}-a`, created: '2025-01-01T00:00:00Z' }),
  ],
  get('/', ok('blue')),
);
group.add(
  'the match decides before the age',
  (service) => [
    route('HTTPRoute', service, { rules: [rule('red')] }, { name: `${service}-a`, created: '2020-01-01T00:00:00Z' }),
    route(
      'HTTPRoute',
      service,
      { rules: [rule('blue', [prefix('/a')])] },
      { name: `${service}-b`, created: '2025-01-01T00:00:00Z' },
    ),
  ],
  get('/a', ok('blue')),
  get('/b', ok('red')),
);

export const { cases } = group;
