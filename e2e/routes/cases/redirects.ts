import { CaseGroup, exact, get, prefix, to } from '../build.ts';

const group = new CaseGroup('redirects');
const redirect = (requestRedirect: object) => ({ type: 'RequestRedirect', requestRedirect });
const rules = (requestRedirect: object, match: object = prefix('/')) => [
  { matches: [match], filters: [redirect(requestRedirect)] },
];
const goes = (status: number, location: string | RegExp) => ({ status, headers: { location } });
const host = { headers: { host: 'shop.example' } };
const replacePrefix = (value: string) => ({ path: { type: 'ReplacePrefixMatch', replacePrefixMatch: value } });

group.http(
  'to a host name, 302 unless it says otherwise',
  rules({ hostname: 'new.example' }),
  get('/a?b=c', goes(302, 'http://new.example/a?b=c'), host),
);
for (const statusCode of [301, 302, 303, 307, 308])
  group.http(
    `with status ${statusCode}`,
    rules({ hostname: 'new.example', statusCode }),
    get('/', goes(statusCode, 'http://new.example/'), host),
  );
group.http(
  'to a scheme, with its own port',
  rules({ scheme: 'https' }),
  get('/a', goes(302, 'https://shop.example/a'), host),
);
group.http('to a port', rules({ port: 8080 }), get('/a', goes(302, 'http://shop.example:8080/a'), host));
group.http(
  'to a scheme and a port that it has anyway',
  rules({ scheme: 'https', port: 443 }),
  get('/a', goes(302, 'https://shop.example/a'), host),
);
group.http(
  'to a scheme and another port',
  rules({ scheme: 'https', port: 8443 }),
  get('/a', goes(302, 'https://shop.example:8443/a'), host),
);
group.http(
  'to a whole path, the query stays',
  rules({ path: { type: 'ReplaceFullPath', replaceFullPath: '/new/path' } }),
  get('/old/path?q=1', goes(302, 'http://shop.example/new/path?q=1'), host),
);
group.http(
  'to another prefix',
  rules(replacePrefix('/new'), prefix('/old')),
  get('/old/path', goes(302, 'http://shop.example/new/path'), host),
  get('/old', goes(302, 'http://shop.example/new'), host),
  get('/old/', goes(302, 'http://shop.example/new/'), host),
);
group.http(
  'to the root instead of a prefix',
  rules(replacePrefix('/'), prefix('/old')),
  get('/old/path', goes(302, 'http://shop.example/path'), host),
  get('/old', goes(302, 'http://shop.example/'), host),
);
group.http(
  'to a host, port, scheme and path at once',
  rules(
    { scheme: 'https', hostname: 'new.example', port: 444, statusCode: 301, ...replacePrefix('/x') },
    prefix('/old'),
  ),
  get('/old/path?q', goes(301, 'https://new.example:444/x/path?q'), host),
);
group.http(
  'only what matches',
  [{ matches: [exact('/go')], filters: [redirect({ hostname: 'new.example' })] }, { backendRefs: [to('blue')] }],
  get('/go', goes(302, 'http://new.example/go'), host),
  get('/stay', { status: 200, version: 'blue' }, host),
);
group.http(
  'of one backend of a rule',
  [{ backendRefs: [to('blue', { filters: [redirect({ hostname: 'new.example' })] })] }],
  get('/a', goes(302, 'http://new.example/a'), host),
);
group.http(
  'requests with a body, and the connection goes on',
  rules({ hostname: 'new.example', statusCode: 307 }),
  get('/a', goes(307, 'http://new.example/a'), { ...host, method: 'POST', body: { text: 'x', bytes: 5000 }, count: 3 }),
);

export const { cases } = group;
