import type { MeshSettings, MeshState } from './mesh.ts';
import type { HeaderModifier, HeaderValue, HttpFilter, HttpMatch, HttpRule, RouteTable, StringMatch } from './route.ts';
import type { ServiceRoutes } from './route.ts';

/** What stands in the place of a secret. */
export const redactedText = '[redacted]';

/** Words in the names of headers and parameters whose values let somebody in. */
const secretWords: ReadonlySet<string> = new Set([
  'apikey',
  'auth',
  'authorization',
  'bearer',
  'code',
  'cookie',
  'credential',
  'credentials',
  'csrf',
  'jwt',
  'key',
  'pass',
  'passwd',
  'password',
  'pwd',
  'secret',
  'session',
  'sid',
  'sig',
  'signature',
  'token',
  'xsrf',
]);

/**
 * Whether a header or query parameter of this name carries a secret, as far as names tell: one of its words, as
 * hyphens, underscores, dots and capitals divide it, is such as `authorization`, `token` or `key`.
 */
export function isSecretName(name: string): boolean {
  const words = name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .split(/[-_.]/);
  return words.some((word) => secretWords.has(word) || secretWords.has(word.replace(/s$/, '')));
}

/** The value of a header or parameter as people may see it. */
export function shownValue({ name, value }: HeaderValue): string {
  return isSecretName(name) ? redactedText : value;
}

/**
 * The state as people may see it: values of headers and query parameters whose names say that they are secrets are
 * replaced by {@link redactedText}, and so is the key of sessions. Names, and that there is a value, stay.
 */
export function redactState(state: MeshState): MeshState {
  const settings = redactSettings(state.settings);
  return { ...state, settings, routes: new Map([...state.routes].map(([key, routes]) => [key, redactRoutes(routes)])) };
}

/** The settings as people may see them; see {@link redactState}. */
export function redactSettings(settings: MeshSettings): MeshSettings {
  return settings.sessionKey === undefined ? settings : { ...settings, sessionKey: redactedText };
}

/** The routes of a Service port as people may see them; see {@link redactState}. */
export function redactRoutes(routes: ServiceRoutes): ServiceRoutes {
  return {
    ...routes,
    ...(routes.producer === undefined ? {} : { producer: redactTable(routes.producer) }),
    consumers: Object.fromEntries(Object.entries(routes.consumers).map(([name, table]) => [name, redactTable(table)])),
  };
}

function redactTable(given: RouteTable): RouteTable {
  if (given.kind === 'tls' || given.kind === 'tcp') return given;
  const { rules, matches } = given.table;
  return {
    kind: given.kind,
    table: {
      rules: rules.map(redactRule),
      matches: matches.map(({ match, rule }) => ({ match: redactMatch(match), rule })),
    },
  };
}

function redactRule(rule: HttpRule): HttpRule {
  return {
    ...rule,
    filters: rule.filters.map(redactFilter),
    backends: rule.backends.map((backend) => ({ ...backend, filters: backend.filters.map(redactFilter) })),
  };
}

function redactFilter(filter: HttpFilter): HttpFilter {
  switch (filter.type) {
    case 'requestHeaders':
    case 'responseHeaders':
      return { ...filter, modifier: redactModifier(filter.modifier) };
    case 'redirect':
    case 'rewrite':
    case 'mirror':
    case 'cors':
      return filter;
  }
}

function redactModifier({ set, add, remove }: HeaderModifier): HeaderModifier {
  const redact = (list: readonly HeaderValue[]) => list.map((one) => ({ name: one.name, value: shownValue(one) }));
  return { set: redact(set), add: redact(add), remove };
}

/** A match as people may see it; see {@link redactState}. */
export function redactMatch(match: HttpMatch): HttpMatch {
  const redact = <T extends { readonly name: string; readonly match: StringMatch }>(list: readonly T[]): T[] =>
    list.map((one) => (isSecretName(one.name) ? { ...one, match: { ...one.match, value: redactedText } } : one));
  return { ...match, headers: redact(match.headers), queryParams: redact(match.queryParams) };
}
