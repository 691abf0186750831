import { CodedError } from '@tulle/core';

/** A request that the admin endpoint refuses, with the HTTP status of the answer. */
export class AdminError extends CodedError {
  readonly status: number;

  constructor(status: number, code: string, message: string, hint?: string) {
    super(code, message, hint === undefined ? {} : { hint });
    this.name = 'AdminError';
    this.status = status;
  }
}

/** 404: there is no such thing; `near` is what was probably meant. */
export function notFound(what: string, near?: string): AdminError {
  return new AdminError(
    404,
    'NotFound',
    `there is no ${what}${near === undefined ? '' : ` (did you mean "${near}"?)`}`,
  );
}
