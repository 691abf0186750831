import type { MatchView } from '@tulle/admin-api';
import { redactMatch } from '@tulle/ir';
import type { HttpMatch, StringMatch } from '@tulle/ir';

/** What matches everything, in words. */
export const everything = 'everything';

/** A match of an HTTP rule as data and in words, without secrets: `path under /cart and header x-team = qa`. */
export function httpMatchView(match: HttpMatch, kind: 'http' | 'grpc'): MatchView {
  const { path, method, headers, queryParams } = redactMatch(match);
  const words = [
    pathWords(path, kind),
    method === undefined ? undefined : `method ${method}`,
    ...headers.map((header) => `header ${header.name} ${comparison(header.match)}`),
    ...queryParams.map((parameter) => `query ${parameter.name} ${comparison(parameter.match)}`),
  ].filter((part) => part !== undefined);
  return {
    text: words.length === 0 ? everything : words.join(' and '),
    ...(path.type === 'prefix' && path.value === '/' ? {} : { path }),
    ...(method === undefined || kind === 'grpc' ? {} : { method }),
    ...(headers.length === 0 ? {} : { headers }),
    ...(queryParams.length === 0 ? {} : { queryParams }),
  };
}

/** The match of a TLS rule. */
export function serverNameView(serverNames: readonly string[]): MatchView {
  if (serverNames.length === 0) return { text: everything };
  return { text: `server name ${serverNames.join(' or ')}`, serverNames };
}

function pathWords(path: HttpMatch['path'], kind: 'http' | 'grpc'): string | undefined {
  if (path.type === 'prefix' && path.value === '/') return undefined;
  // A gRPC method is the path /package.Service/Method (gRPC over HTTP/2, "Requests").
  if (kind === 'grpc' && path.type === 'exact') return `method ${path.value.slice(1)}`;
  if (kind === 'grpc' && path.type === 'prefix') return `service ${path.value.slice(1)}`;
  switch (path.type) {
    case 'exact':
      return `path = ${path.value}`;
    case 'prefix':
      return `path under ${path.value}`;
    case 'regex':
      return `path ~ ${path.value}`;
  }
}

function comparison(match: StringMatch): string {
  return `${match.type === 'exact' ? '=' : '~'} ${match.value}`;
}
