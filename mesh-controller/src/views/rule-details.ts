import { formatDuration, formatShare } from '@tulle/admin-api';
import { shownValue } from '@tulle/ir';
import type { BackendTarget, HeaderModifier, HttpFilter, HttpRule, SessionPersistence } from '@tulle/ir';

/** What a rule does besides choosing a backend, in words, one string each. */
export function ruleDetails(rule: HttpRule): string[] {
  return [
    ...rule.filters.flatMap(filterWords),
    ...rule.backends.flatMap((backend) =>
      backend.filters.flatMap(filterWords).map((words) => `for ${targetWords(backend.target)}: ${words}`),
    ),
    ...(rule.requestTimeoutMs === undefined ? [] : [timeoutWords('timeout', rule.requestTimeoutMs)]),
    ...(rule.backendRequestTimeoutMs === undefined
      ? []
      : [timeoutWords('timeout of each try', rule.backendRequestTimeoutMs)]),
    ...(rule.retry === undefined ? [] : [retryWords(rule.retry)]),
    ...(rule.sessionPersistence === undefined ? [] : [sessionWords(rule.sessionPersistence)]),
    ...(answersItself(rule) ? ['answers 500: the rule has no backend'] : []),
  ];
}

/** `namespace/name:port`, or why there is none. */
export function targetWords(target: BackendTarget): string {
  return target.type === 'service' ? `${target.service}:${target.port}` : `an invalid backend (${target.reason})`;
}

function answersItself(rule: HttpRule): boolean {
  return rule.backends.length === 0 && !rule.filters.some((filter) => filter.type === 'redirect');
}

/** A timeout of 0 means none (GEP-1742). */
function timeoutWords(what: string, timeoutMs: number): string {
  return timeoutMs === 0 ? `no ${what}` : `${what} ${formatDuration(timeoutMs)}`;
}

function retryWords({ attempts, codes, connectionErrors, backoffMs }: NonNullable<HttpRule['retry']>): string {
  const causes = [...codes.map(String), ...(connectionErrors ? ['connection errors'] : [])].join(' ');
  const pause = backoffMs > 0 ? `, first after ${formatDuration(backoffMs)}` : '';
  return `${attempts} ${attempts === 1 ? 'retry' : 'retries'}${causes === '' ? '' : ` on ${causes}`}${pause}`;
}

function sessionWords({ type, name, lifetime, absoluteTimeoutMs }: SessionPersistence): string {
  const limit = absoluteTimeoutMs === undefined ? '' : `, at most ${formatDuration(absoluteTimeoutMs)}`;
  return `one endpoint a session (${lifetime === 'permanent' ? 'permanent ' : ''}${type} ${name}${limit})`;
}

function filterWords(filter: HttpFilter): string[] {
  switch (filter.type) {
    case 'requestHeaders':
      return modifierWords('request', filter.modifier);
    case 'responseHeaders':
      return modifierWords('response', filter.modifier);
    case 'redirect':
      return [redirectWords(filter)];
    case 'rewrite':
      return rewriteWords(filter);
    case 'mirror':
      return [`mirrors ${formatShare(filter.numerator / filter.denominator)} to ${targetWords(filter.backend)}`];
    case 'cors':
      return [`answers CORS for ${filter.allowOrigins.join(' ')}`];
  }
}

function modifierWords(of: string, { set, add, remove }: HeaderModifier): string[] {
  return [
    ...set.map((one) => `sets ${of} header ${one.name}: ${shownValue(one)}`),
    ...add.map((one) => `adds ${of} header ${one.name}: ${shownValue(one)}`),
    ...remove.map((name) => `removes ${of} header ${name}`),
  ];
}

function redirectWords({
  scheme,
  hostname,
  port,
  path,
  statusCode,
}: Extract<HttpFilter, { type: 'redirect' }>): string {
  const parts = [
    scheme === undefined ? undefined : `scheme ${scheme}`,
    hostname === undefined ? undefined : `host ${hostname}`,
    port === undefined ? undefined : `port ${port}`,
    path === undefined ? undefined : pathWords(path),
  ].filter((part) => part !== undefined);
  return `redirects with ${statusCode}${parts.length === 0 ? '' : ` to ${parts.join(', ')}`}`;
}

function rewriteWords({ hostname, path }: Extract<HttpFilter, { type: 'rewrite' }>): string[] {
  return [
    ...(hostname === undefined ? [] : [`rewrites the host to ${hostname}`]),
    ...(path === undefined ? [] : [`rewrites the ${pathWords(path)}`]),
  ];
}

function pathWords(path: { readonly type: 'full' | 'prefix'; readonly value: string }): string {
  return path.type === 'full' ? `path ${path.value}` : `path prefix ${path.value}`;
}
