import { equalsBytes } from '@tulle/core';
import { ascii } from './characters.ts';

/** Methods as small numbers; 0 is any other (methods are case-sensitive, RFC 9110 9.1). */
export const methodCode = {
  other: 0,
  GET: 1,
  HEAD: 2,
  POST: 3,
  PUT: 4,
  DELETE: 5,
  CONNECT: 6,
  OPTIONS: 7,
  TRACE: 8,
  PATCH: 9,
} as const;

/** A longer method is refused as not HTTP. The longest registered one has 17 letters. */
export const MAX_METHOD_BYTES = 32;

const GET = ascii('GET');
const HEAD = ascii('HEAD');
const POST = ascii('POST');
const PUT = ascii('PUT');
const DELETE = ascii('DELETE');
const CONNECT = ascii('CONNECT');
const OPTIONS = ascii('OPTIONS');
const TRACE = ascii('TRACE');
const PATCH = ascii('PATCH');

/** The {@link methodCode} of the method `buffer[start..end)`. */
export function codeOfMethod(buffer: Uint8Array, start: number, end: number): number {
  switch (end - start) {
    case 3:
      if (equalsBytes(buffer, start, end, GET)) return methodCode.GET;
      return equalsBytes(buffer, start, end, PUT) ? methodCode.PUT : 0;
    case 4:
      if (equalsBytes(buffer, start, end, POST)) return methodCode.POST;
      return equalsBytes(buffer, start, end, HEAD) ? methodCode.HEAD : 0;
    case 5:
      if (equalsBytes(buffer, start, end, PATCH)) return methodCode.PATCH;
      return equalsBytes(buffer, start, end, TRACE) ? methodCode.TRACE : 0;
    case 6:
      return equalsBytes(buffer, start, end, DELETE) ? methodCode.DELETE : 0;
    case 7:
      if (equalsBytes(buffer, start, end, OPTIONS)) return methodCode.OPTIONS;
      return equalsBytes(buffer, start, end, CONNECT) ? methodCode.CONNECT : 0;
    default:
      return 0;
  }
}
