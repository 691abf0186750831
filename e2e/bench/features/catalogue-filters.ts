import { answers, feature, routed } from './feature.ts';
import { filters } from './filters.ts';
import type { Answer, Checker, Feature } from './model.ts';
import { backends, originPorts, rule, to } from './routes.ts';

const group = 'Filters';

function filtered(id: string, title: string, filter: object, check: Feature['check'], more: object = {}): Feature {
  return { ...feature(id, group, title, [rule({ filters: [filter], ...more })]), check };
}

function seen(id: string, title: string, filter: object, body: string): Feature {
  const words = `the application should see "${body}"`;
  return filtered(
    id,
    title,
    filter,
    answers((text) => text.trim() === body, words),
  );
}

/** A check of the answer to the row's own request. */
function answered(fits: (answer: Answer) => boolean, words: string): Feature['check'] {
  return async (checker) => {
    const [answer] = await checker.ask();
    return answer !== undefined && fits(answer) ? undefined : `${words}, but it answered ${answer?.status}`;
  };
}

const mirrorRequests = 20;

async function mirrors(checker: Checker): Promise<string | undefined> {
  const before = await checker.mirrored();
  await checker.ask(undefined, { count: mirrorRequests });
  const copies = (await checker.mirrored()) - before;
  // Asking for the count is a request, too.
  return copies >= mirrorRequests ? routed(checker) : `${copies} copies of ${mirrorRequests} requests came`;
}

async function allowsOrigins(checker: Checker): Promise<string | undefined> {
  const [answer] = await checker.ask();
  const [preflight] = await checker.ask(
    { path: '/', headers: { origin: shop, 'access-control-request-method': 'PUT' } },
    { method: 'OPTIONS' },
  );
  const allowed = [answer, preflight].every((each) => each?.headers.get('access-control-allow-origin') === shop);
  return allowed && preflight?.body === '' ? undefined : 'the origin is not allowed, or the preflight not answered';
}

const shop = 'https://shop.example';
const routedTo = (path: string, name: string, field = '') => `${originPorts.routed} ${path} ${name} ${field}`.trim();

/** Rows of filters. */
export const filterFeatures: readonly Feature[] = [
  {
    ...seen('request-headers', 'request header modifier: set, add, remove', filters.requestHeaders, ''),
    check: answers((body) => body.trim().endsWith(' on'), 'the application should see the field'),
  },
  filtered(
    'response-headers',
    'response header modifier: set, add, remove',
    filters.responseHeaders,
    answered((answer) => answer.headers.get('x-feature') === 'on', 'the client should see the field'),
  ),
  {
    ...filtered(
      'rewrite-prefix',
      "URL rewrite: the path's prefix",
      filters.rewritePrefix,
      answers((body) => body.split(' ')[1] === '/inside/cart', 'the application should see /inside/cart'),
      { matches: [{ path: { type: 'PathPrefix', value: '/shop' } }] },
    ),
    request: { path: '/shop/cart' },
  },
  seen('rewrite-host', 'URL rewrite: the host', filters.rewriteHost, routedTo('/', 'inside.example')),
  {
    ...feature('redirect', group, 'redirect: the mesh answers', [{ filters: [filters.redirect] }]),
    check: answered(
      ({ status, headers }) => status === 302 && headers.get('location')?.startsWith('https://a.example') === true,
      'the client should be sent to https://a.example',
    ),
  },
  filtered('mirror', 'mirror: a copy of each request', filters.mirror, mirrors),
  {
    ...filtered('cors', 'CORS: a request of an allowed origin', filters.cors, allowsOrigins),
    request: { path: '/', headers: { origin: shop } },
  },
  {
    ...feature('backend-filters', group, "request header modifier in a backend's own filters", [
      { backendRefs: [to(backends.routed, { filters: [filters.requestHeaders] })] },
    ]),
    check: answers((body) => body.trim().endsWith(' on'), 'the application should see the field'),
  },
];
