import { CodedError } from '@tulle/core';

/**
 * A request that the API server refused, or that did not reach it. `code` is the reason that the server gave
 * (`NotFound`, `Conflict`, `AlreadyExists`, `Expired`, …), or `Unreachable`.
 */
export class ApiError extends CodedError {
  /** The HTTP status; 0 when no answer came. */
  readonly status: number;

  constructor(code: string, status: number, message: string, options: { cause?: unknown; hint?: string } = {}) {
    super(code, message, options);
    this.name = 'ApiError';
    this.status = status;
  }
}

/** Whether something thrown is the API server's answer with this status. */
export function isApiStatus(thrown: unknown, status: number): boolean {
  return thrown instanceof ApiError && thrown.status === status;
}

/** The error of an answer: its body is a meta/v1 Status, or whatever a proxy in between wrote. */
export function apiErrorOf(what: string, status: number, body: string): ApiError {
  const { reason, message } = parseStatus(body);
  const code = reason ?? `Http${status}`;
  return new ApiError(code, status, `${what}: ${message ?? `the API server answered with status ${status}`}`);
}

function parseStatus(body: string): { readonly reason?: string; readonly message?: string } {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value !== 'object' || value === null) return {};
    const { reason, message } = value as { readonly reason?: unknown; readonly message?: unknown };
    return {
      ...(typeof reason === 'string' && reason !== '' ? { reason } : {}),
      ...(typeof message === 'string' && message !== '' ? { message } : {}),
    };
  } catch {
    return {};
  }
}
