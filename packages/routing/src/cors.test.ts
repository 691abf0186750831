import { describe, expect, it } from '@jest/globals';
import type { HttpFilter } from '@tulle/ir';
import { CompiledCors } from './cors.ts';
import { requestHead } from './testing/head.ts';

type Filter = Extract<HttpFilter, { type: 'cors' }>;

function cors(parts: Partial<Filter>): CompiledCors {
  return new CompiledCors({
    type: 'cors',
    allowOrigins: ['https://app.example'],
    allowCredentials: false,
    allowMethods: [],
    allowHeaders: [],
    exposeHeaders: [],
    maxAgeSeconds: 5,
    ...parts,
  });
}

const preflight = (origin: string, ...more: [string, string][]) =>
  requestHead('/', {
    method: 'OPTIONS',
    headers: [['Origin', origin], ['Access-Control-Request-Method', 'PUT'], ...more],
  });

/** The answer's headers by name. */
function answer(filter: CompiledCors, head = preflight('https://app.example')): Record<string, string> {
  const lines = filter.preflight(head).headers.append.toString().split('\r\n').slice(0, -1);
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]));
}

describe('a preflight', () => {
  it('is OPTIONS with an origin and the method asked for', () => {
    const filter = cors({});
    expect(filter.isPreflight(preflight('https://app.example'))).toBe(true);
    expect(filter.isPreflight(requestHead('/', { method: 'OPTIONS', headers: [['Origin', 'https://a']] }))).toBe(false);
    expect(
      filter.isPreflight(
        requestHead('/', {
          headers: [
            ['Origin', 'https://a'],
            ['Access-Control-Request-Method', 'PUT'],
          ],
        }),
      ),
    ).toBe(false);
  });

  it('of an allowed origin is told what is allowed', () => {
    expect(answer(cors({ allowMethods: ['GET', 'PUT'], allowHeaders: ['X-A', 'X-B'], maxAgeSeconds: 60 }))).toEqual({
      'Access-Control-Allow-Origin': 'https://app.example',
      'Access-Control-Allow-Methods': 'GET, PUT',
      'Access-Control-Allow-Headers': 'X-A, X-B',
      'Access-Control-Max-Age': '60',
      Vary: 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
    });
  });

  it('of another origin is told nothing', () => {
    expect(Object.keys(answer(cors({}), preflight('https://evil.example')))).toEqual(['Vary']);
  });

  it('with any origin gets a star, or its own with credentials', () => {
    const any = { allowOrigins: ['*'] };
    expect(answer(cors(any))['Access-Control-Allow-Origin']).toBe('*');
    const own = answer(cors({ ...any, allowCredentials: true }));
    expect(own['Access-Control-Allow-Origin']).toBe('https://app.example');
    expect(own['Access-Control-Allow-Credentials']).toBe('true');
  });

  it('with any method or header gets a star, or what it asked for with credentials', () => {
    const any = { allowMethods: ['*'], allowHeaders: ['*'] };
    expect(answer(cors(any))['Access-Control-Allow-Methods']).toBe('*');
    expect(answer(cors(any))['Access-Control-Allow-Headers']).toBe('*');
    const withCredentials = cors({ ...any, allowCredentials: true });
    const asked = answer(
      withCredentials,
      preflight('https://app.example', ['Access-Control-Request-Headers', 'x-a, x-b']),
    );
    expect(asked['Access-Control-Allow-Methods']).toBe('PUT');
    expect(asked['Access-Control-Allow-Headers']).toBe('x-a, x-b');
    expect(answer(withCredentials)['Access-Control-Allow-Headers']).toBeUndefined();
  });
});

const origins: [string, string, boolean][] = [
  ['https://app.example', 'https://app.example', true],
  ['https://app.example', 'http://app.example', false],
  ['https://app.example', 'https://app.example:443', true],
  ['https://app.example', 'https://app.example:8443', false],
  ['https://app.example:8443', 'https://app.example:8443', true],
  ['https://app.example', 'https://app.example.evil', false],
  ['https://*.example', 'https://a.example', true],
  ['https://*.example', 'https://a.b.example', true],
  ['https://*.example', 'https://example', false],
  ['https://*.example', 'https://.example', false],
  ['https://*.example', 'https://evilexample', false],
  ['https://*', 'https://anything.test', true],
  ['https://*', 'http://anything.test', false],
  ['*', 'null', true],
  ['https://app.example', 'null', false],
  ['https://app.example', '', false],
];

describe('origins', () => {
  for (const [allowed, origin, is] of origins) {
    it(`${allowed} ${is ? 'allows' : 'does not allow'} '${origin}'`, () => {
      expect('Access-Control-Allow-Origin' in answer(cors({ allowOrigins: [allowed] }), preflight(origin))).toBe(is);
    });
  }
});

describe('a response', () => {
  const from = (origin: string) => requestHead('/', { headers: [['Origin', origin]] });

  it("gets the route's headers in place of the backend's", () => {
    const edits = cors({ exposeHeaders: ['X-A'] }).responseEdits(from('https://app.example'));
    expect(edits?.append.toString()).toBe(
      'Access-Control-Allow-Origin: https://app.example\r\nAccess-Control-Expose-Headers: X-A\r\nVary: Origin\r\n',
    );
    expect(edits?.dropNames.map((name) => Buffer.from(name).toString())).toContain('access-control-allow-origin');
  });

  it('to another origin gets none, and loses the ones of the backend', () => {
    const edits = cors({}).responseEdits(from('https://evil.example'));
    expect(edits?.append.toString()).toBe('Vary: Origin\r\n');
    expect(edits?.dropNames.map((name) => Buffer.from(name).toString())).toContain('access-control-allow-origin');
  });

  it('to a request without origin stays', () => {
    expect(cors({}).responseEdits(requestHead('/'))).toBeUndefined();
  });

  it('never exposes a star with credentials', () => {
    const filter = cors({ allowCredentials: true, exposeHeaders: ['*'] });
    expect(filter.responseEdits(from('https://app.example'))?.append.toString()).not.toContain('Expose');
  });
});
