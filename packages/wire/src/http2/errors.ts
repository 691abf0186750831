import { CodedError } from '@tulle/core';
import { http2ErrorName } from './protocol.ts';

/** Why a whole connection had to end (RFC 9113 section 5.4.1). */
export class Http2ConnectionError extends CodedError {
  /** The error code that went out in the GOAWAY (section 7). */
  readonly errorCode: number;

  constructor(errorCode: number, reason: string, options: { cause?: unknown } = {}) {
    super(`HTTP2_${http2ErrorName(errorCode)}`, reason, options);
    this.name = 'Http2ConnectionError';
    this.errorCode = errorCode;
  }
}

/** The codec was called in a way that cannot be right, such as writing behind the end of a stream. */
export class Http2UsageError extends CodedError {
  constructor(message: string) {
    super('HTTP2_USAGE', message);
    this.name = 'Http2UsageError';
  }
}
