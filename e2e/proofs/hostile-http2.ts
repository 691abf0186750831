import { frame } from '../../packages/wire/test/http2-ends.ts';
import { clientPreface } from '@tulle/wire';
import type { HostileRequest } from './hostile-requests.ts';

type Field = readonly [name: string, value: string];

/** A header block of literals: names and values as they are, whatever an encoder would say of them. */
function literals(fields: readonly Field[]): Buffer {
  const text = (value: string): Buffer => {
    const bytes = Buffer.from(value, 'latin1');
    const length = bytes.length < 127 ? Buffer.of(bytes.length) : Buffer.of(127, bytes.length - 127);
    return Buffer.concat([length, bytes]);
  };
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.of(0), text(name), text(value)]));
}

const basic = { ':method': 'POST', ':scheme': 'http', ':authority': 'h', ':path': '/' } as const;
type Changed = Readonly<Partial<Record<keyof typeof basic, string>>>;
const head = (more: readonly Field[] = [], changed: Changed = {}): Buffer =>
  literals([...Object.entries({ ...basic, ...changed }), ...more]);
const start = Buffer.concat([clientPreface, frame(4, 0, 0), frame(4, 1, 0)]);
const alone = (block: Buffer): Buffer => Buffer.concat([start, frame(1, 5, 1, block)]);
const withData = (block: Buffer, data: string): Buffer =>
  Buffer.concat([start, frame(1, 4, 1, block), frame(0, 1, 1, Buffer.from(data, 'latin1'))]);

/** Bytes that parsers disagree about. */
const oddBytes = [0, 1, 8, 9, 10, 11, 12, 13, 27, 31, 32, 34, 35, 44, 58, 59, 64, 92, 95, 127, 128, 160, 255];

/** Requests with an odd byte in some place. */
const places: Readonly<Record<string, (byte: string) => Buffer>> = {
  'in the method': (byte) => alone(head([], { ':method': `GE${byte}T` })),
  'in the scheme': (byte) => alone(head([], { ':scheme': `ht${byte}tp` })),
  'in the authority': (byte) => alone(head([], { ':authority': `h${byte}i` })),
  'after the authority': (byte) => alone(head([], { ':authority': `h${byte}` })),
  'before the path': (byte) => alone(head([], { ':path': `${byte}/a` })),
  'in the path': (byte) => alone(head([], { ':path': `/a${byte}b` })),
  'in a name': (byte) => alone(head([[`x${byte}a`, 'b']])),
  'before a name': (byte) => alone(head([[`${byte}xa`, 'b']])),
  'in a value': (byte) => alone(head([['x-a', `b${byte}c`]])),
  'before a value': (byte) => alone(head([['x-a', `${byte}b`]])),
  'after a value': (byte) => alone(head([['x-a', `b${byte}`]])),
  'in the name of content-length': (byte) => withData(head([[`content${byte}length`, '5']]), 'hello'),
  'before a length': (byte) => withData(head([['content-length', `${byte}5`]]), 'hello'),
  'after a length': (byte) => withData(head([['content-length', `5${byte}`]]), 'hello'),
  'in a host': (byte) =>
    alone(
      literals([
        [':method', 'GET'],
        [':scheme', 'http'],
        [':path', '/'],
        ['host', `h${byte}i`],
      ]),
    ),
};

const hidden = 'GET /hidden HTTP/1.1\r\nHost: h\r\n\r\n';
const framings: readonly Field[] = [
  ['content-length', '5'],
  ['content-length', '6'],
  ['content-length', '0'],
  ['content-length', '5, 5'],
  ['content-length', '+5'],
  ['transfer-encoding', 'chunked'],
  ['Transfer-Encoding', 'chunked'],
  ['transfer_encoding', 'chunked'],
  ['te', 'chunked'],
  ['connection', 'content-length'],
  ['upgrade', 'websocket'],
  ['expect', '100-continue'],
];

/** A sound request, and hostile ones of HTTP/2, each on a connection of its own: what may become another request in HTTP/1.1. */
export function hostileHttp2Requests(): HostileRequest[] {
  const odd = Object.entries(places).flatMap(([place, make]) =>
    oddBytes.map((byte) => ({ name: `byte ${byte} ${place}`, bytes: make(String.fromCharCode(byte)) })),
  );
  const pairs = framings.flatMap((first) =>
    framings.map((second) => ({
      name: `${first.join(': ')} and ${second.join(': ')}`,
      bytes: withData(head([first, second]), `0\r\n\r\n${hidden}`),
    })),
  );
  const lines: HostileRequest[] = [
    { name: 'CRLF in a value', bytes: alone(head([['x-a', `b\r\n\r\n${hidden}`]])) },
    { name: 'CRLF in the path', bytes: alone(head([], { ':path': `/ HTTP/1.1\r\nhost: h\r\n\r\n${hidden}` })) },
    { name: 'CRLF in the authority', bytes: alone(head([], { ':authority': `h\r\n\r\n${hidden}` })) },
    { name: 'CRLF in the method', bytes: alone(head([], { ':method': `GET / HTTP/1.1\r\nhost: h\r\n\r\nGET` })) },
    { name: 'a host that differs', bytes: alone(head([['host', 'i']])) },
    {
      name: 'two hosts',
      bytes: alone(
        head([
          ['host', 'h'],
          ['host', 'h'],
        ]),
      ),
    },
    {
      name: 'no path',
      bytes: alone(
        literals([
          [':method', 'GET'],
          [':scheme', 'http'],
          [':authority', 'h'],
        ]),
      ),
    },
    { name: 'an absolute path', bytes: alone(head([], { ':path': 'http://i/' })) },
    { name: '* for POST', bytes: alone(head([], { ':path': '*' })) },
    {
      name: 'CONNECT',
      bytes: alone(
        literals([
          [':method', 'CONNECT'],
          [':authority', 'h:80'],
        ]),
      ),
    },
    { name: 'an unknown pseudo-header field', bytes: alone(literals([[':host', 'h'], ...Object.entries(basic)])) },
    { name: 'a pseudo-header field twice', bytes: alone(literals([[':path', '/a'], ...Object.entries(basic)])) },
    { name: 'a pseudo-header field behind others', bytes: alone(literals([['x-a', 'b'], ...Object.entries(basic)])) },
  ];
  return [{ name: 'sound', bytes: alone(head()) }, ...odd, ...pairs, ...lines];
}
