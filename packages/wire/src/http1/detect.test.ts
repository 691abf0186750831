import { describe, expect, it } from '@jest/globals';
import { bytes } from '../../test/http1-events.ts';
import type { DetectedProtocol } from './index.ts';
import { detectHttp1 } from './index.ts';

const cases: [what: string, input: string, wanted: DetectedProtocol][] = [
  ['GET', 'GET / HTTP/1.1\r\n', 'http1'],
  ['an unknown method', 'M-SEARCH /x HTTP/1.1\r\n', 'http1'],
  ['an absolute target', 'POST http://cart/ HTTP/1.1\r\n', 'http1'],
  ['OPTIONS *', 'OPTIONS * HTTP/1.1\r\n', 'http1'],
  ['PUT beside PRI', 'PUT / HTTP/1.1\r\n', 'http1'],
  ['the HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0', 'http2-preface'],
  ['almost the preface', 'PRI * HTTP/2.0\r\n\r\nSN\r\n\r\n', 'other'],
  ['TLS', '\x16\x03\x01\x02\0', 'other'],
  ['SSH', 'SSH-2.0-x\r\n', 'other'],
  ['Redis', '*1\r\n$4\r\nPING\r\n', 'other'],
  ['Redis in line', 'SET key value\r\n', 'other'],
  ['Redis GET in line', 'GET key\r\n', 'other'],
  ['memcached', 'get key\r\n', 'other'],
  ['SMTP', 'EHLO client\r\n', 'other'],
  ['NATS', 'CONNECT {"verbose":false}\r\n', 'other'],
  ['a forward proxy', 'CONNECT db:5432 HTTP/1.1\r\n', 'other'],
  ['PostgreSQL', '\0\0\0\x08\x04\xd2\x16\x2f', 'other'],
  ['letters without end', 'A'.repeat(100), 'other'],
  ['a line end', '\r\n', 'other'],
  ['a space', ' / HTTP/1.1', 'other'],
  ['GET *', 'GET * HTTP/1.1\r\n', 'other'],
  ['https', 'GET https://cart/ HTTP/1.1\r\n', 'other'],
];

describe('detectHttp1', () => {
  it.each(cases)('%s', (_what, input, wanted) => {
    expect(detectHttp1(bytes(`xx${input}`), 2, 2 + input.length)).toBe(wanted);
  });

  it.each(cases)('never changes its mind as bytes come: %s', (_what, input, wanted) => {
    const answers = Array.from({ length: input.length + 1 }, (_, end) => detectHttp1(bytes(input), 0, end));
    const decided = answers.findIndex((answer) => answer !== 'need-more');
    expect(decided).toBeGreaterThan(0);
    expect(new Set(answers.slice(decided))).toEqual(new Set([wanted]));
    expect(decided).toBeLessThanOrEqual(40);
  });

  it('needs a byte', () => {
    expect(detectHttp1(bytes('GET /'), 2, 2)).toBe('need-more');
  });
});
