import { describe, expect, it } from '@jest/globals';
import { encodeHeaderList, HpackDecoder, type HeaderField } from '../hpack/index.ts';
import { Http2Headers, Http2RequestHead } from './message-fields.ts';

function decoded(fields: readonly (readonly [string, string])[]): Http2Headers {
  const headers = new Http2Headers();
  // The encoder writes names in lower case: for what is wrong with them, literals by hand.
  const parts = fields.map(([name, value]) =>
    Buffer.concat([
      Buffer.of(0, name.length),
      Buffer.from(name, 'latin1'),
      Buffer.of(value.length),
      Buffer.from(value, 'latin1'),
    ]),
  );
  const block = Buffer.concat(parts);
  new HpackDecoder({ maxTableSize: 0, maxListBytes: 9999, maxFields: 99 }).decode(block, 0, block.length, headers);
  return headers;
}

const basic: [string, string][] = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':authority', 'cart.shop:8080'],
  [':path', '/'],
];
const withField = (name: string, value: string): [string, string][] => [...basic, [name, value]];
const replaced = (name: string, value?: string): [string, string][] =>
  basic.flatMap(([have, old]): [string, string][] =>
    have !== name ? [[have, old]] : value === undefined ? [] : [[name, value]],
  );

describe('checkRequest takes', () => {
  it.each<[string, [string, string][]]>([
    ['a plain request', basic],
    ['no :authority', replaced(':authority')],
    ['any field of tokens', withField('x-a_b.c!~', 'tab\tand \xff')],
    ['te: trailers', withField('te', 'trailers')],
    ['an empty value', withField('x-empty', '')],
    ['a host equal to :authority', withField('host', 'CART.shop:8080')],
    [
      'OPTIONS *',
      [
        [':method', 'OPTIONS'],
        [':scheme', 'http'],
        [':path', '*'],
      ],
    ],
    [
      'CONNECT',
      [
        [':method', 'CONNECT'],
        [':authority', '[fd00::1]:80'],
      ],
    ],
    [
      'extended CONNECT',
      [
        [':method', 'CONNECT'],
        [':protocol', 'websocket'],
        [':scheme', 'https'],
        [':authority', 'a'],
        [':path', '/chat'],
      ],
    ],
  ])('%s', (_, fields) => {
    expect(decoded(fields).checkRequest(true)).toBeUndefined();
  });
});

describe('checkRequest refuses', () => {
  it.each<[string, [string, string][]]>([
    ['upper case in a name (8.2.1)', withField('X-a', '1')],
    ['an empty name', withField('', '1')],
    ['a space in a name (8.2.1)', withField('x a', '1')],
    ['a colon in a name', withField('x:a', '1')],
    ['a byte above 127 in a name', withField('x\xe9', '1')],
    ['NUL in a value (8.2.1)', withField('x', 'a\0b')],
    ['CR in a value', withField('x', 'a\rb')],
    ['LF in a value', withField('x', 'a\nb')],
    ['DEL in a value', withField('x', 'a\x7fb')],
    ['a leading space (8.2.1)', withField('x', ' a')],
    ['a trailing tab (8.2.1)', withField('x', 'a\t')],
    ['the same content-length twice, as in HTTP/1.1', [...withField('content-length', '5'), ['content-length', '5']]],
    ['connection (8.2.2)', withField('connection', 'close')],
    ['proxy-connection', withField('proxy-connection', 'close')],
    ['keep-alive', withField('keep-alive', '5')],
    ['transfer-encoding', withField('transfer-encoding', 'chunked')],
    ['upgrade', withField('upgrade', 'h2c')],
    ['te other than trailers (8.2.2)', withField('te', 'gzip')],
    ['a pseudo-header field behind others (8.3)', [['a', 'b'], ...basic]],
    ['an unknown pseudo-header field (8.3)', [[':version', '2'], ...basic]],
    [':status in a request (8.3)', [[':status', '200'], ...basic]],
    [':method twice (8.3)', [[':method', 'GET'], ...basic]],
    [':scheme twice', [[':scheme', 'http'], ...basic]],
    [':path twice', [[':path', '/'], ...basic]],
    [':authority twice', [[':authority', 'a'], ...basic]],
    ['no :method (8.3.1)', replaced(':method')],
    ['no :scheme', replaced(':scheme')],
    ['no :path', replaced(':path')],
    ['an empty :path (8.3.1)', replaced(':path', '')],
    ['a :path that does not begin with /', replaced(':path', 'a')],
    ['* without OPTIONS', replaced(':path', '*')],
    ['a byte above 127 in :path, as in HTTP/1.1', replaced(':path', '/\xe9')],
    ['a port without digits, as in HTTP/1.1', replaced(':authority', 'cart:')],
    ['a port above 65535', replaced(':authority', 'cart:65536')],
    ['a bracket without an address', replaced(':authority', '[')],
    ['% without digits', replaced(':authority', 'a%zz')],
    ['the same in host', [...replaced(':authority'), ['host', 'cart:']]],
    ['a space in :path', replaced(':path', '/a b')],
    ['a fragment in :path', replaced(':path', '/a#b')],
    ['a method that is no token', replaced(':method', 'G T')],
    ['an empty method', replaced(':method', '')],
    ['a scheme that is none', replaced(':scheme', 'ht tp')],
    ['user information in :authority (8.3.1)', replaced(':authority', 'me@cart')],
    ['a slash in :authority', replaced(':authority', 'cart/x')],
    ['an empty :authority', replaced(':authority', '')],
    ['a host that differs from :authority (8.3.1)', withField('host', 'other')],
    ['host twice', [...replaced(':authority'), ['host', 'a'], ['host', 'a']]],
    ['two content-lengths (8.1.1)', [...withField('content-length', '5'), ['content-length', '6']]],
    ['a content-length list', withField('content-length', '5, 5')],
    ['a signed content-length', withField('content-length', '+5')],
    ['an empty content-length', withField('content-length', '')],
    ['a content-length beyond reason', withField('content-length', '9'.repeat(16))],
    [
      'CONNECT with :path (8.5)',
      [
        [':method', 'CONNECT'],
        [':authority', 'a:1'],
        [':path', '/'],
      ],
    ],
    [
      'CONNECT with :scheme',
      [
        [':method', 'CONNECT'],
        [':authority', 'a:1'],
        [':scheme', 'http'],
      ],
    ],
    ['CONNECT without :authority (8.5)', [[':method', 'CONNECT']]],
    [':protocol without CONNECT (RFC 8441 4)', [[':protocol', 'websocket'], ...basic]],
    [
      'extended CONNECT without :path (RFC 8441 4)',
      [
        [':method', 'CONNECT'],
        [':protocol', 'websocket'],
        [':scheme', 'http'],
        [':authority', 'a'],
      ],
    ],
  ])('%s', (_, fields) => {
    expect(decoded(fields).checkRequest(true)).toEqual(expect.any(String));
  });

  it('extended CONNECT that was not offered (RFC 8441 section 3)', () => {
    const fields: [string, string][] = [
      [':method', 'CONNECT'],
      [':protocol', 'websocket'],
      [':scheme', 'https'],
      [':authority', 'a'],
      [':path', '/chat'],
    ];
    expect(decoded(fields).checkRequest(false)).toBe(':protocol, which was not offered');
  });
});

describe('Http2RequestHead', () => {
  const read = (fields: HeaderField[]): Record<string, string | undefined> => {
    const headers = new Http2Headers();
    const block = encodeHeaderList(fields);
    new HpackDecoder({ maxTableSize: 4096, maxListBytes: 9999, maxFields: 99 }).decode(block, 0, block.length, headers);
    expect(headers.checkRequest(true)).toBeUndefined();
    const head = new Http2RequestHead(headers);
    const text = (start: number, end: number): string | undefined =>
      start < 0 ? undefined : headers.buffer.toString('latin1', start, end);
    return {
      method: text(head.methodStart, head.methodEnd),
      path: text(head.pathStart, head.pathEnd),
      query: text(head.queryStart, head.queryEnd),
      authority: text(head.authorityStart, head.authorityEnd),
    };
  };

  it('gives the ranges that routing reads', () => {
    expect(read([...replaced(':path', '/items?page=2')])).toEqual({
      method: 'GET',
      path: '/items',
      query: 'page=2',
      authority: 'cart.shop:8080',
    });
    expect(read([...replaced(':path', '/items?')]).query).toBe('');
  });

  it('takes the host field where there is no :authority, and an empty path for CONNECT and *', () => {
    expect(read([...replaced(':authority'), ['host', 'other']]).authority).toBe('other');
    expect(read([...replaced(':authority')]).authority).toBe('');
    const connect = read([
      [':method', 'CONNECT'],
      [':authority', 'a:1'],
    ]);
    expect(connect).toEqual({ method: 'CONNECT', path: '', query: undefined, authority: 'a:1' });
    const options = read([
      [':method', 'OPTIONS'],
      [':scheme', 'http'],
      [':path', '*'],
    ]);
    expect(options['path']).toBe('');
  });
});
