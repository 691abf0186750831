import { backends, rule, to } from './routes.ts';

const edits = {
  set: [{ name: 'x-feature', value: 'on' }],
  add: [{ name: 'x-feature-added', value: 'on' }],
  remove: ['x-feature-removed'],
};

/** Filters of an HTTPRoute, as rules have them. */
export const filters = {
  requestHeaders: { type: 'RequestHeaderModifier', requestHeaderModifier: edits },
  responseHeaders: { type: 'ResponseHeaderModifier', responseHeaderModifier: edits },
  rewritePrefix: {
    type: 'URLRewrite',
    urlRewrite: { path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/inside' } },
  },
  rewriteHost: { type: 'URLRewrite', urlRewrite: { hostname: 'inside.example' } },
  redirect: { type: 'RequestRedirect', requestRedirect: { scheme: 'https', hostname: 'a.example', statusCode: 302 } },
  mirror: { type: 'RequestMirror', requestMirror: { backendRef: to(backends.mirror) } },
  cors: {
    type: 'CORS',
    cors: { allowOrigins: ['https://shop.example'], allowMethods: ['GET', 'PUT'], allowHeaders: ['x-a'], maxAge: 60 },
  },
} as const;

/** A rule for a path with every filter that can stand beside the others, weights, timeouts, retries and a session. */
export function everyFilter(prefix: string): object {
  const { requestHeaders, responseHeaders, rewritePrefix, mirror, cors } = filters;
  return rule({
    matches: [{ path: { type: 'PathPrefix', value: prefix }, headers: [{ name: 'x-unused', value: prefix }] }],
    filters: [requestHeaders, responseHeaders, rewritePrefix, mirror, cors],
    timeouts: { request: '10s', backendRequest: '5s' },
    retry: { codes: [503], attempts: 2, backoff: '10ms' },
    sessionPersistence: { type: 'Cookie', cookie: { name: 'seat' } },
    backendRefs: [to(backends.routed, { weight: 90 }), to(backends.other, { weight: 10 })],
  });
}
