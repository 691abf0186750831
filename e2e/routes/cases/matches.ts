import { CaseGroup, exact, get, noRoute, ok, prefix, regex, rule } from '../build.ts';

const group = new CaseGroup('matches');

group.http(
  'an exact path, and nothing below or beside it',
  [rule('blue', [exact('/a')])],
  get('/a', ok('blue')),
  get('/a?x=1', ok('blue')),
  get('/a/', noRoute),
  get('/a/b', noRoute),
  get('/A', noRoute),
);
group.http(
  'a prefix by whole elements',
  [rule('blue', [prefix('/v2')])],
  get('/v2', ok('blue')),
  get('/v2/', ok('blue')),
  get('/v2/x', ok('blue')),
  get('/v2?x=1', ok('blue')),
  get('/v2example', noRoute),
);
group.http(
  'a prefix with a slash at its end as without',
  [rule('blue', [prefix('/v2/')])],
  get('/v2', ok('blue')),
  get('/v2/x', ok('blue')),
  get('/v2x', noRoute),
);
group.http(
  'the root prefix takes everything',
  [rule('blue', [prefix('/')])],
  get('/', ok('blue')),
  get('/any/path?at=all', ok('blue')),
);
group.http('a rule without matches takes everything', [rule('blue')], get('/any', ok('blue')));
group.http(
  'a regular expression of the whole path',
  [rule('blue', [regex('/users/[0-9]+')])],
  get('/users/42', ok('blue')),
  get('/users/42?x=1', ok('blue')),
  get('/users/42/more', noRoute),
  get('/users/', noRoute),
);
group.http(
  'a regular expression with alternatives',
  [rule('blue', [regex('/(a|b)/.*')])],
  get('/a/x', ok('blue')),
  get('/b/x/y', ok('blue')),
  get('/c/x', noRoute),
  get('/x/a/x', noRoute),
);
group.http(
  'several matches of a rule',
  [rule('blue', [exact('/a'), exact('/b')])],
  get('/a', ok('blue')),
  get('/b', ok('blue')),
  get('/c', noRoute),
);
group.http(
  'a method',
  [rule('blue', [{ ...prefix('/'), method: 'POST' }])],
  get('/', ok('blue'), { method: 'POST' }),
  get('/', noRoute),
  get('/', noRoute, { method: 'PUT' }),
);
for (const method of ['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD'])
  group.http(
    `the method ${method}`,
    [rule('blue', [{ method }]), rule('red')],
    get('/', ok('blue'), { method }),
    get('/', ok('red')),
  );
group.http(
  'a header by its whole value, whatever the case of its name',
  [rule('blue', [{ headers: [{ name: 'X-Team', value: 'qa' }] }])],
  get('/', ok('blue'), { headers: { 'x-team': 'qa' } }),
  get('/', ok('blue'), { headers: { 'X-TEAM': 'qa' } }),
  get('/', noRoute, { headers: { 'x-team': 'QA' } }),
  get('/', noRoute, { headers: { 'x-team': 'qa2' } }),
  get('/', noRoute),
);
group.http(
  'all headers of a match',
  [
    rule('blue', [
      {
        headers: [
          { name: 'a', value: '1' },
          { name: 'b', value: '2' },
        ],
      },
    ]),
  ],
  get('/', ok('blue'), { headers: { a: '1', b: '2', c: '3' } }),
  get('/', noRoute, { headers: { a: '1' } }),
);
group.http(
  'the first of two headers of one name in a match',
  [
    rule('blue', [
      {
        headers: [
          { name: 'a', value: '1' },
          { name: 'A', value: '2' },
        ],
      },
    ]),
  ],
  get('/', ok('blue'), { headers: { a: '1' } }),
  get('/', noRoute, { headers: { a: '2' } }),
);
group.http(
  'a regular expression of a whole header',
  [rule('blue', [{ headers: [{ name: 'v', type: 'RegularExpression', value: '[0-9]+' }] }])],
  get('/', ok('blue'), { headers: { v: '12' } }),
  get('/', noRoute, { headers: { v: '12b' } }),
);
group.http(
  'a query parameter',
  [rule('blue', [{ queryParams: [{ name: 'colour', value: 'blue' }] }])],
  get('/?colour=blue', ok('blue')),
  get('/?x=1&colour=blue&y', ok('blue')),
  get('/?colour=blueish', noRoute),
  get('/?Colour=blue', noRoute),
  get('/', noRoute),
);
group.http(
  'all query parameters of a match',
  [
    rule('blue', [
      {
        queryParams: [
          { name: 'a', value: '1' },
          { name: 'b', value: '2' },
        ],
      },
    ]),
  ],
  get('/?b=2&a=1', ok('blue')),
  get('/?a=1', noRoute),
);
group.http(
  'a regular expression of a query parameter',
  [rule('blue', [{ queryParams: [{ name: 'n', type: 'RegularExpression', value: '[0-9]+' }] }])],
  get('/?n=7', ok('blue')),
  get('/?n=x', noRoute),
);
group.http(
  'path, method, header and query together',
  [
    rule('blue', [
      {
        ...exact('/a'),
        method: 'POST',
        headers: [{ name: 'x', value: '1' }],
        queryParams: [{ name: 'q', value: '2' }],
      },
    ]),
  ],
  get('/a?q=2', ok('blue'), { method: 'POST', headers: { x: '1' } }),
  get('/a?q=2', noRoute, { headers: { x: '1' } }),
  get('/a', noRoute, { method: 'POST', headers: { x: '1' } }),
  get('/b?q=2', noRoute, { method: 'POST', headers: { x: '1' } }),
);
group.http(
  'a route replaces the implicit routing',
  [rule('green', [exact('/only')])],
  get('/only', ok('green')),
  get('/', noRoute),
);

export const { cases } = group;
