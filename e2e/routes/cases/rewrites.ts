import { CaseGroup, exact, get, prefix, rule, to } from '../build.ts';

const group = new CaseGroup('rewrites');
const rewrite = (urlRewrite: object) => ({ type: 'URLRewrite', urlRewrite });
const full = (value: string) => ({ path: { type: 'ReplaceFullPath', replaceFullPath: value } });
const prefixTo = (value: string) => ({ path: { type: 'ReplacePrefixMatch', replacePrefixMatch: value } });
const rules = (match: object, urlRewrite: object) => [rule('blue', [match], { filters: [rewrite(urlRewrite)] })];
const asks = (path: string, url: string) => get(path, { status: 200, version: 'blue', seen: { url } });

group.http(
  'of the host',
  rules(prefix('/'), { hostname: 'inside.example' }),
  get('/a?b', { seen: { url: '/a?b', headers: { host: 'inside.example' } } }, { headers: { host: 'outside.example' } }),
);
group.http('of the whole path, the query stays', rules(prefix('/'), full('/one')), asks('/any/path?q=1', '/one?q=1'));
group.http(
  'of a prefix',
  rules(prefix('/old'), prefixTo('/new')),
  asks('/old/x', '/new/x'),
  asks('/old', '/new'),
  asks('/old/', '/new/'),
  asks('/old?q=1', '/new?q=1'),
);
group.http(
  'of a prefix to the root',
  rules(prefix('/old'), prefixTo('/')),
  asks('/old/x', '/x'),
  asks('/old', '/'),
  asks('/old/', '/'),
);
group.http('of a prefix to nothing', rules(prefix('/old'), prefixTo('')), asks('/old/x', '/x'), asks('/old', '/'));
group.http('of a prefix that ends with a slash', rules(prefix('/old/'), prefixTo('/new/')), asks('/old/x', '/new/x'));
group.http('of the root prefix', rules(prefix('/'), prefixTo('/new')), asks('/x/y', '/new/x/y'), asks('/', '/new/'));
group.http('of an exact path', rules(exact('/old'), full('/new')), asks('/old', '/new'));
group.http(
  'of host and path',
  rules(prefix('/old'), { hostname: 'inside.example', ...prefixTo('/new') }),
  get('/old/x', { seen: { url: '/new/x', headers: { host: 'inside.example' } } }),
);
group.http(
  'for one backend only',
  [{ backendRefs: [to('blue', { filters: [rewrite(full('/one'))] }), to('red', { weight: 0 })] }],
  asks('/x', '/one'),
);
group.http(
  'of the host leaves the path as it came',
  rules(prefix('/'), { hostname: 'inside.example' }),
  asks('/a%20b//c;d?e=%2F', '/a%20b//c;d?e=%2F'),
);

export const { cases } = group;
