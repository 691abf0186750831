import { CaseGroup, counted, get, rule } from '../build.ts';

const group = new CaseGroup('cors');
const rules = (cors: object) => [rule('blue', [], { filters: [{ type: 'CORS', cors }] })];
const from = (origin: string, more: Readonly<Record<string, string>> = {}) => ({ headers: { origin, ...more } });
const preflight = (origin: string, more: Readonly<Record<string, string>> = {}) => ({
  method: 'OPTIONS',
  headers: { origin, 'access-control-request-method': 'PUT', ...more },
});
const shop = 'https://shop.example';
const allow = 'access-control-allow-origin';

group.http(
  'a request of an origin that is allowed',
  rules({ allowOrigins: [shop] }),
  get('/', { status: 200, version: 'blue', headers: { [allow]: shop } }, from(shop)),
);
group.http(
  'a request of another origin gets no leave',
  rules({ allowOrigins: [shop] }),
  get('/', { status: 200, version: 'blue', headers: { [allow]: null } }, from('https://evil.example')),
);
group.http(
  'a request without an origin is as ever',
  rules({ allowOrigins: [shop] }),
  get('/', { status: 200, version: 'blue', headers: { [allow]: null } }),
);
group.http(
  'a preflight is answered by the mesh',
  rules({ allowOrigins: [shop], allowMethods: ['PUT'], allowHeaders: ['x-a'], maxAge: 60 }),
  get(
    '/',
    {
      headers: {
        [allow]: shop,
        'access-control-allow-methods': /PUT/,
        'access-control-allow-headers': /x-a/i,
        'access-control-max-age': '60',
        'x-version': null,
      },
    },
    preflight(shop, { 'access-control-request-headers': 'x-a', 'x-key': 'preflight' }),
  ),
  counted('blue', 'preflight', 0),
);
group.http(
  'a preflight of another origin gets no leave',
  rules({ allowOrigins: [shop], allowMethods: ['PUT'] }),
  get('/', { headers: { [allow]: null } }, preflight('https://evil.example')),
);
group.http(
  'an origin with a wildcard',
  rules({ allowOrigins: ['https://*.example'] }),
  get('/', { headers: { [allow]: 'https://a.example' } }, from('https://a.example')),
  get('/', { version: 'blue', headers: { [allow]: null } }, from('https://a.other')),
);
group.http(
  'every origin',
  rules({ allowOrigins: ['*'] }),
  get('/', { headers: { [allow]: /^(\*|https:\/\/any\.where)$/ } }, from('https://any.where')),
);
group.http(
  'credentials',
  rules({ allowOrigins: [shop], allowCredentials: true }),
  get('/', { headers: { [allow]: shop, 'access-control-allow-credentials': 'true' } }, from(shop)),
);
group.http(
  'headers that scripts may read',
  rules({ allowOrigins: [shop], exposeHeaders: ['x-version'] }),
  get('/', { headers: { 'access-control-expose-headers': /x-version/i } }, from(shop)),
);
group.http(
  'OPTIONS that is no preflight goes to the backend',
  rules({ allowOrigins: [shop] }),
  get('/', { version: 'blue' }, { method: 'OPTIONS' }),
);

export const { cases } = group;
