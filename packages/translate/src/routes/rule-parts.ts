import type {
  HTTPRouteRetry,
  HTTPRouteTimeouts,
  SessionPersistence as SessionPersistenceSpec,
} from '@tulle/gateway-api';
import type { RetryPolicy, SessionPersistence } from '@tulle/ir';
import { parseDurationMs } from './duration.ts';
import type { RuleReporter } from './outcome.ts';

/** The pause before a first retry where the route names none. */
const defaultBackoffMs = 25;

function durationMs(text: string | undefined, place: string, reporter: RuleReporter): number | undefined {
  if (text === undefined) return undefined;
  const ms = parseDurationMs(text);
  if (ms === undefined) {
    const message = `${place}: "${text}" is no duration; write numbers with the units h, m, s or ms, such as "1m30s"`;
    reporter.refuse({ reason: 'UnsupportedValue', message });
  }
  return ms;
}

/** The timeouts of a rule; a duration of zero means none. */
export function timeoutsOf(
  timeouts: HTTPRouteTimeouts | undefined,
  place: string,
  reporter: RuleReporter,
): { requestTimeoutMs?: number; backendRequestTimeoutMs?: number } {
  const request = durationMs(timeouts?.request, `${place}.timeouts.request`, reporter) ?? 0;
  const backendRequest = durationMs(timeouts?.backendRequest, `${place}.timeouts.backendRequest`, reporter) ?? 0;
  if (request !== 0 && backendRequest > request) {
    const message = `${place}.timeouts: backendRequest cannot be longer than request`;
    reporter.refuse({ reason: 'UnsupportedValue', message });
  }
  return {
    ...(request === 0 ? {} : { requestTimeoutMs: request }),
    ...(backendRequest === 0 ? {} : { backendRequestTimeoutMs: backendRequest }),
  };
}

/** When requests of a rule are tried again: connection errors always, statuses as named (GEP-1731). */
export function retryOf(
  retry: HTTPRouteRetry | undefined,
  place: string,
  reporter: RuleReporter,
): { retry?: RetryPolicy } {
  if (retry === undefined) return {};
  const backoffMs = durationMs(retry.backoff, `${place}.retry.backoff`, reporter) ?? defaultBackoffMs;
  const codes = [...new Set(retry.codes)].sort((a, b) => a - b);
  return { retry: { codes, connectionErrors: true, attempts: retry.attempts ?? 1, backoffMs } };
}

/** How requests of one session stay with one endpoint (GEP-1619). `defaultName` is the cookie's where none is given. */
export function sessionOf(
  session: SessionPersistenceSpec | undefined,
  place: { readonly path: string; readonly defaultName: string },
  reporter: RuleReporter,
): { sessionPersistence?: SessionPersistence } {
  if (session === undefined) return {};
  const at = `${place.path}.sessionPersistence`;
  const timeoutMs = durationMs(session.absoluteTimeout, `${at}.absoluteTimeout`, reporter);
  const timeout = timeoutMs === undefined ? {} : { absoluteTimeoutMs: timeoutMs };
  if (session.type === 'Header') {
    const name = session.header?.name ?? place.defaultName;
    return { sessionPersistence: { type: 'header', name, lifetime: 'session', ...timeout } };
  }
  const isPermanent = session.cookie?.lifetimeType === 'Permanent';
  if (isPermanent && timeoutMs === undefined) {
    reporter.refuse({ reason: 'UnsupportedValue', message: `${at}: a permanent cookie needs absoluteTimeout` });
  }
  return {
    sessionPersistence: {
      type: 'cookie',
      name: session.cookie?.name ?? place.defaultName,
      path: session.cookie?.path ?? '/',
      lifetime: isPermanent ? 'permanent' : 'session',
      ...timeout,
    },
  };
}
