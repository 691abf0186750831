import { ascii, ASTERISK, SLASH, SPACE } from './characters.ts';
import { codeOfMethod, MAX_METHOD_BYTES, methodCode } from './method.ts';

/** What the first bytes of a connection look like. */
export type DetectedProtocol = 'http1' | 'http2-preface' | 'other' | 'need-more';

const PREFACE = ascii('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const SCHEME = ascii('http://');
const HYPHEN = 45;

/**
 * Guesses the protocol of a connection from its first bytes `chunk[start..end)`, of which at most 40 are looked at.
 *
 * HTTP/1 is a method in capitals, a space, and the beginning of a target: `/`, `http://` or, for OPTIONS, `*`. A method
 * and a space alone are not enough: `SET key` (Redis), `EHLO host` (SMTP) and `PUB subject` (NATS) have them too.
 * CONNECT, whose target is a host, is other for the same reason: a forward proxy that the application chose gets it.
 */
export function detectHttp1(chunk: Uint8Array, start: number, end: number): DetectedProtocol {
  const preface = startsWith(chunk, start, end, PREFACE);
  if (preface === 'yes') return 'http2-preface';
  if (preface === 'so-far') return 'need-more';
  const limit = Math.min(end, start + MAX_METHOD_BYTES + 1);
  let at = start;
  while (at < limit && isMethodByte(chunk[at] as number)) at++;
  if (at === limit) return at - start > MAX_METHOD_BYTES ? 'other' : 'need-more';
  if (at === start || chunk[at] !== SPACE) return 'other';
  const method = codeOfMethod(chunk, start, at);
  at++;
  if (at === end) return 'need-more';
  if (chunk[at] === SLASH) return 'http1';
  if (chunk[at] === ASTERISK) return method === methodCode.OPTIONS ? 'http1' : 'other';
  const scheme = startsWith(chunk, at, end, SCHEME);
  if (scheme === 'so-far') return 'need-more';
  return scheme === 'yes' ? 'http1' : 'other';
}

function isMethodByte(byte: number): boolean {
  return (byte >= 65 && byte <= 90) || byte === HYPHEN;
}

function startsWith(chunk: Uint8Array, start: number, end: number, wanted: Uint8Array): 'yes' | 'no' | 'so-far' {
  const length = Math.min(end - start, wanted.length);
  for (let i = 0; i < length; i++) if (chunk[start + i] !== wanted[i]) return 'no';
  return length === wanted.length ? 'yes' : 'so-far';
}
