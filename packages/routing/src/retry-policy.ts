import { backoffDelayMs, equalsBytes } from '@tulle/core';
import type { BackoffPolicy, RequestHead } from '@tulle/core';
import type { RetryPolicy } from '@tulle/ir';
import { utf8 } from './bytes.ts';

/**
 * How an attempt ended.
 *
 * - `response`: a response's head came, with a status.
 * - `connect-failed`: no connection or tunnel to the backend; no byte of the request was sent.
 * - `unprocessed`: the peer said that it did not act on the request (REFUSED_STREAM, GOAWAY before it).
 * - `reset`: the connection broke after bytes of the request were sent, before a response came.
 * - `timeout`: the time for one attempt (`backendRequest`) was over.
 */
export type AttemptOutcome = 'response' | 'connect-failed' | 'unprocessed' | 'reset' | 'timeout';

/** What a decision about another attempt needs to know. */
export interface Attempt {
  readonly outcome: AttemptOutcome;
  /** The response's status; 0 when there was none. */
  readonly status: number;
  /** How many retries the request has had. */
  readonly retries: number;
  /** Whether a byte of a response has gone to the client: then nothing can be tried again. */
  readonly responseStarted: boolean;
  /** Whether all of the body that was sent is still held, so that it can be sent again. */
  readonly bodyReplayable: boolean;
  /** Whether the method is idempotent ({@link isIdempotentMethod}). */
  readonly idempotent: boolean;
}

/** How often a request that no backend has seen is tried elsewhere, where no policy says anything. */
const implicitRetries = 1;

/** A retry policy, ready to decide. */
export class CompiledRetryPolicy {
  readonly attempts: number;
  private readonly codes: Uint8Array;
  private readonly connectionErrors: boolean;
  private readonly backoff: BackoffPolicy;

  constructor(policy: RetryPolicy) {
    this.attempts = policy.attempts;
    this.connectionErrors = policy.connectionErrors;
    this.codes = new Uint8Array(600);
    for (const code of policy.codes) this.codes[code] = 1;
    this.backoff = { initialMs: policy.backoffMs, maxMs: policy.backoffMs * 10, jitter: 0.5 };
  }

  /** Whether a response with `status` is one to try again. */
  retriesStatus(status: number): boolean {
    return this.codes[status] === 1;
  }

  /** How long to wait before retry number `retries` (0 is the first): doubling, up to ten times the base, jittered. */
  delayMs(retries: number, random?: () => number): number {
    return backoffDelayMs(this.backoff, retries, random);
  }

  /** Whether connection errors are tried again. */
  get retriesConnectionErrors(): boolean {
    return this.connectionErrors;
  }
}

/** Compiles a rule's retry policy. */
export function compileRetryPolicy(policy: RetryPolicy): CompiledRetryPolicy {
  return new CompiledRetryPolicy(policy);
}

/**
 * Whether the policy (or none) wants the request tried again. The retry budget is asked apart.
 *
 * Without a policy only a request that no backend can have seen is tried again, once. With one: the statuses it names;
 * connection errors; a timeout of one attempt; a connection that broke after bytes were sent only where the method is
 * idempotent (RFC 9110 section 9.2.2), because the backend may have acted on the request.
 */
export function wantsRetry(policy: CompiledRetryPolicy | undefined, attempt: Attempt): boolean {
  if (attempt.responseStarted || !attempt.bodyReplayable) return false;
  if (attempt.retries >= (policy === undefined ? implicitRetries : policy.attempts)) return false;
  switch (attempt.outcome) {
    case 'response':
      return policy !== undefined && policy.retriesStatus(attempt.status);
    case 'connect-failed':
    case 'unprocessed':
      return policy === undefined || policy.retriesConnectionErrors;
    case 'reset':
      return policy !== undefined && policy.retriesConnectionErrors && attempt.idempotent;
    case 'timeout':
      return policy !== undefined && policy.retriesConnectionErrors;
  }
}

const idempotentMethods = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE'].map(utf8);

/** Whether the request's method is idempotent (RFC 9110 section 9.2.2). */
export function isIdempotentMethod(head: RequestHead): boolean {
  const { buffer } = head.headers;
  for (let i = 0; i < idempotentMethods.length; i++) {
    if (equalsBytes(buffer, head.methodStart, head.methodEnd, idempotentMethods[i] as Uint8Array)) return true;
  }
  return false;
}
