import { CaseGroup, get, rule, to } from '../build.ts';

const group = new CaseGroup('sessions');
const all = { backendRefs: [to('red'), to('blue'), to('green')] };
const rules = (sessionPersistence: object) => [{ ...all, sessionPersistence }];
const cookie = (more: object = {}) => ({ type: 'Cookie', cookie: { name: 'seat', ...more } });

group.http(
  'a cookie keeps a client at one backend, over connections of their own',
  rules(cookie()),
  get('/', { status: 200, onlyOne: true }, { count: 20, fresh: true, keeps: 'cookie' }),
);
group.http(
  'clients without the cookie are spread',
  rules(cookie()),
  get(
    '/',
    { shares: { '200 red': 20, '200 blue': 20, '200 green': 20 }, within: 4, headers: { 'set-cookie': /^seat=/ } },
    { count: 60 },
  ),
);
group.http(
  'a cookie of the path that is asked for',
  rules(cookie({ path: '/shop' })),
  get('/shop/a', { headers: { 'set-cookie': /;\s*path=\/shop(;|$)/i } }),
);
group.http(
  'a permanent cookie ends with the session',
  rules({ ...cookie({ lifetimeType: 'Permanent' }), absoluteTimeout: '1h' }),
  get('/', { headers: { 'set-cookie': /max-age=3600|expires=/i } }),
);
group.http(
  'a cookie that was tampered with is none',
  rules(cookie()),
  get(
    '/',
    { status: 200, headers: { 'set-cookie': /^seat=/ } },
    { headers: { cookie: 'seat=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' } },
  ),
);
group.http(
  'a header keeps a client at one backend',
  rules({ type: 'Header', header: { name: 'X-Seat' } }),
  get('/', { status: 200, onlyOne: true }, { count: 20, fresh: true, keeps: 'x-seat' }),
);
group.http(
  'no session without one in the rule',
  [all],
  get('/', { status: 200, headers: { 'set-cookie': null } }),
  get('/', { shares: { '200 red': 10, '200 blue': 10, '200 green': 10 }, within: 3 }, { count: 30 }),
);
group.http(
  'of one rule only',
  [{ ...rules(cookie())[0], matches: [{ path: { value: '/kept' } }] }, rule('blue')],
  get('/kept', { headers: { 'set-cookie': /^seat=/ } }),
  get('/', { version: 'blue', headers: { 'set-cookie': null } }),
);

export const { cases } = group;
