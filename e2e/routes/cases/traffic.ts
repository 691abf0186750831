import { CaseGroup, counted, get, invalidBackend, noEndpoint, ok, prefix, rule, to } from '../build.ts';

const mirrors = new CaseGroup('mirrors');
const mirror = (requestMirror: object) => ({ type: 'RequestMirror', requestMirror });
const mirrored = (...list: object[]) => [rule('blue', [], { filters: list.map(mirror) })];
const withKey = (key: string, more: object = {}) => ({ headers: { 'x-key': key }, ...more });

mirrors.http(
  'every request',
  mirrored({ backendRef: to('green') }),
  get('/', ok('blue'), withKey('mirror-all', { count: 10 })),
  counted('green', 'mirror-all', 10),
  counted('blue', 'mirror-all', 10),
);
mirrors.http(
  'a body, too',
  mirrored({ backendRef: to('green') }),
  get(
    '/',
    { version: 'blue', seen: { bytes: 30_000 } },
    withKey('mirror-body', { method: 'POST', body: { text: 'abc', bytes: 30_000 }, count: 4 }),
  ),
  counted('green', 'mirror-body', 4),
);
mirrors.http(
  'two at once',
  mirrored({ backendRef: to('green') }, { backendRef: to('red') }),
  get('/', ok('blue'), withKey('mirror-two', { count: 6 })),
  counted('green', 'mirror-two', 6),
  counted('red', 'mirror-two', 6),
);
mirrors.http(
  'a percentage',
  mirrored({ backendRef: to('green'), percent: 25 }),
  get('/', ok('blue'), withKey('mirror-percent', { count: 200 })),
  counted('green', 'mirror-percent', [25, 75]),
);
mirrors.http(
  'no percent is none',
  mirrored({ backendRef: to('green'), percent: 0 }),
  get('/', ok('blue'), withKey('mirror-none', { count: 20 })),
  counted('green', 'mirror-none', 0),
);
mirrors.http(
  'a fraction',
  mirrored({ backendRef: to('green'), fraction: { numerator: 1, denominator: 2 } }),
  get('/', ok('blue'), withKey('mirror-half', { count: 100 })),
  counted('green', 'mirror-half', [30, 70]),
);
mirrors.http(
  'one that is not there harms nothing',
  mirrored({ backendRef: to('not-there') }),
  get('/', ok('blue'), { count: 5 }),
);
mirrors.http(
  'one without endpoints harms nothing',
  mirrored({ backendRef: to('nobody') }),
  get('/', ok('blue'), { count: 5 }),
);
mirrors.http(
  'one that is slow delays nothing',
  mirrored({ backendRef: to('slow') }),
  get('/', { version: 'blue', atMostMs: 1_400 }, { count: 3 }),
);

const weights = new CaseGroup('weights');
const split = (list: Readonly<Record<string, number>>) => [
  { backendRefs: Object.entries(list).map(([name, weight]) => to(name, { weight })) },
];
weights.http(
  'one connection',
  split({ red: 70, blue: 20, green: 10 }),
  get('/', { shares: { '200 red': 350, '200 blue': 100, '200 green': 50 }, within: 10 }, { count: 500 }),
);
weights.http(
  'a connection for each request',
  split({ red: 70, blue: 20, green: 10 }),
  get('/', { shares: { '200 red': 210, '200 blue': 60, '200 green': 30 }, within: 15 }, { count: 300, fresh: true }),
);
weights.http(
  'weight 0 is never chosen',
  split({ red: 0, blue: 1 }),
  get('/', { shares: { '200 blue': 50 } }, { count: 50 }),
);
weights.http('all weights 0', split({ red: 0, blue: 0 }), get('/', invalidBackend));
weights.http(
  'one without a weight counts 1',
  [{ backendRefs: [to('red', { weight: 3 }), to('blue')] }],
  get('/', { shares: { '200 red': 75, '200 blue': 25 }, within: 4 }, { count: 100 }),
);
weights.http(
  'one Service twice',
  [{ backendRefs: [to('red', { weight: 1 }), to('red', { weight: 1 }), to('blue', { weight: 2 })] }],
  get('/', { shares: { '200 red': 50, '200 blue': 50 }, within: 4 }, { count: 100 }),
);

const backends = new CaseGroup('backends');
backends.http('one that is not there', [rule('not-there')], get('/', invalidBackend));
backends.http('a port that is not there', [{ backendRefs: [{ name: 'red', port: 82 }] }], get('/', invalidBackend));
backends.http(
  'a kind that cannot be one',
  [{ backendRefs: [{ group: 'example.com', kind: 'Bucket', name: 'b' }] }],
  get('/', invalidBackend),
);
backends.http(
  'none at all',
  [{ matches: [prefix('/none')] }, rule('blue')],
  get('/none', { status: 500 }),
  get('/', ok('blue')),
);
backends.http(
  'half of them not there',
  [{ backendRefs: [to('red'), to('not-there')] }],
  get('/', { shares: { '200 red': 50, '500 invalid-backend': 50 }, within: 6 }, { count: 100 }),
);
backends.http('one without endpoints', [rule('nobody')], get('/', noEndpoint));
backends.http('one where nobody listens', [rule('deaf')], get('/', { status: 503, reason: 'connect-failed' }));
backends.http(
  'one in another namespace, without a grant',
  [{ backendRefs: [{ name: 'abroad', namespace: 'guests', port: 80 }] }],
  get('/', ok('green')),
);
backends.http('a headless Service', [rule('headless')], get('/', ok('red')));
backends.http("another Service's routes are not consulted", [rule('routed')], get('/', ok('red')));

const time = new CaseGroup('time');
const timed = (timeouts: object) => [rule('blue', [], { timeouts })];
const slow = (delayMs: number) => ({ headers: { 'x-do': JSON.stringify({ delayMs }) } });
time.http(
  'a request that takes too long',
  timed({ request: '200ms' }),
  get('/', { status: 504, reason: 'request-timeout', atLeastMs: 190, atMostMs: 1_900 }, slow(2_000)),
);
time.http(
  'a request that takes less',
  timed({ request: '2s' }),
  get('/', { ...ok('blue'), atLeastMs: 100 }, slow(100)),
);
time.http(
  'a backend that takes too long',
  timed({ backendRequest: '200ms' }),
  get('/', { status: 504, reason: 'upstream-timeout', atLeastMs: 190, atMostMs: 1_900 }, slow(2_000)),
);
time.http('zero is none', timed({ request: '0s' }), get('/', ok('blue'), slow(300)));
time.http(
  'the connection goes on after a timeout',
  timed({ request: '1s' }),
  get('/', { status: 504, shares: { '504 request-timeout': 2 } }, { ...slow(4_000), count: 2 }),
  get('/', ok('blue')),
);
time.http(
  'of one rule only',
  [rule('blue', [prefix('/quick')], { timeouts: { request: '100ms' } }), rule('blue')],
  get('/quick', { status: 504 }, slow(500)),
  get('/', ok('blue'), slow(300)),
);

const retries = new CaseGroup('retries');
const retrying = (retry: object) => [rule('blue', [], { retry })];
const failing = (key: string, times: number, more: object = {}) => ({
  headers: { 'x-key': key, 'x-do': JSON.stringify({ status: 503, times }) },
  ...more,
});
retries.http(
  'until it succeeds',
  retrying({ codes: [503], attempts: 2, backoff: '10ms' }),
  get('/', ok('blue'), failing('retry-twice', 2)),
  counted('blue', 'retry-twice', 3),
);
retries.http(
  'as often as is allowed',
  retrying({ codes: [503], attempts: 2, backoff: '10ms' }),
  get('/', { status: 503, version: 'blue' }, failing('retry-out', 9)),
  counted('blue', 'retry-out', 3),
);
retries.http(
  'only of the codes named',
  retrying({ codes: [500], attempts: 2, backoff: '10ms' }),
  get('/', { status: 503, version: 'blue' }, failing('retry-other', 1)),
  counted('blue', 'retry-other', 1),
);
retries.http(
  'not without a retry in the rule',
  [rule('blue')],
  get('/', { status: 503, version: 'blue' }, failing('retry-not', 1)),
  counted('blue', 'retry-not', 1),
);
retries.http(
  'with the body again',
  retrying({ codes: [503], attempts: 1, backoff: '10ms' }),
  get(
    '/',
    { ...ok('blue'), seen: { method: 'POST', bytes: 20_000 } },
    failing('retry-body', 1, { method: 'POST', body: { text: 'abc', bytes: 20_000 } }),
  ),
  counted('blue', 'retry-body', 2),
);
retries.http(
  'not of a body that is too large to be kept',
  retrying({ codes: [503], attempts: 1, backoff: '10ms' }),
  get('/', { status: 503 }, failing('retry-large', 1, { method: 'POST', body: { text: 'abc', bytes: 300_000 } })),
  counted('blue', 'retry-large', 1),
);
retries.http(
  'after a pause',
  retrying({ codes: [503], attempts: 1, backoff: '300ms' }),
  get('/', { ...ok('blue'), atLeastMs: 100 }, failing('retry-pause', 1)),
  counted('blue', 'retry-pause', 2),
);

export const cases = [mirrors, weights, backends, time, retries].flatMap((group) => group.cases);
