import { corpusOf } from '../../packages/wire/fuzz/corpus.ts';

/** Bytes that one client sends on one connection. */
export interface HostileRequest {
  readonly name: string;
  readonly bytes: Buffer;
}

/** Bytes that parsers disagree about: controls, separators, and the first and last of what is not ASCII. */
const bytes = [0, 1, 8, 9, 10, 11, 12, 13, 27, 31, 32, 34, 35, 44, 58, 59, 64, 92, 95, 127, 128, 160, 255];

/** Requests with a place for such a byte, marked by `@@`. */
const templates: Readonly<Record<string, string>> = {
  'before the method': '@@GET / HTTP/1.1\r\nHost: h\r\n\r\n',
  'in the method': 'GE@@T / HTTP/1.1\r\nHost: h\r\n\r\n',
  'after the method': 'GET@@ / HTTP/1.1\r\nHost: h\r\n\r\n',
  'in the path': 'GET /a@@b HTTP/1.1\r\nHost: h\r\n\r\n',
  'after the target': 'GET /@@ HTTP/1.1\r\nHost: h\r\n\r\n',
  'in the version': 'GET / HTTP/1@@.1\r\nHost: h\r\n\r\n',
  'after the version': 'GET / HTTP/1.1@@\r\nHost: h\r\n\r\n',
  'before a name': 'GET / HTTP/1.1\r\nHost: h\r\n@@X-A: b\r\n\r\n',
  'in a name': 'GET / HTTP/1.1\r\nHost: h\r\nX@@A: b\r\n\r\n',
  'before the colon': 'GET / HTTP/1.1\r\nHost: h\r\nX-A@@: b\r\n\r\n',
  'in a value': 'GET / HTTP/1.1\r\nHost: h\r\nX-A: b@@c\r\n\r\n',
  'in Host': 'GET / HTTP/1.1\r\nHost: h@@i\r\n\r\n',
  'after Host': 'GET / HTTP/1.1\r\nHost: h@@\r\n\r\n',
  'in the name of Content-Length': 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length@@: 5\r\n\r\nhello',
  'before a length': 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: @@5\r\n\r\nhello',
  'after a length': 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5@@\r\n\r\nhello',
  'before chunked': 'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: @@chunked\r\n\r\n0\r\n\r\n',
  'after chunked': 'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked@@\r\n\r\n0\r\n\r\n',
  'before a chunk size': 'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n@@1\r\na\r\n0\r\n\r\n',
  'after a chunk size': 'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1@@\r\na\r\n0\r\n\r\n',
  'in a chunk extension': 'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1;a@@b\r\na\r\n0\r\n\r\n',
  'after chunk data': 'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na@@\r\n0\r\n\r\n',
  'after the last chunk': 'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0@@\r\n\r\n',
  'in a trailer': 'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX@@A: b\r\n\r\n',
};

/** Pairs of framing fields: what one parser takes from the first, another takes from the second. */
const framings = [
  'Content-Length: 5',
  'Content-Length: 6',
  'Content-Length: 5, 5',
  'Content-Length: +5',
  'Content-Length: 0x5',
  'Content-Length: 05',
  'content-length: 5',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: identity',
  'Transfer-Encoding: chunked, identity',
  'Transfer-Encoding: identity, chunked',
  'Transfer-Encoding: xchunked',
  'Transfer-Encoding : chunked',
  'Transfer_Encoding: chunked',
  'Transfer-Encoding:\x0bchunked',
  'X: y\r\n Transfer-Encoding: chunked',
];

function twoFramings(): HostileRequest[] {
  return framings.flatMap((first) =>
    framings.map((second) => ({
      name: `framing ${JSON.stringify(first)} and ${JSON.stringify(second)}`,
      bytes: Buffer.from(
        `POST / HTTP/1.1\r\nHost: h\r\n${first}\r\n${second}\r\n\r\n0\r\n\r\nGET /hidden HTTP/1.1\r\nHost: h\r\n\r\n`,
        'latin1',
      ),
    })),
  );
}

/** The committed corpus of requests, every odd byte at every place of a request, and all pairs of framing fields. */
export function hostileRequests(): HostileRequest[] {
  const committed = corpusOf('http1/requests').map(([name, input]) => ({ name, bytes: input }));
  const odd = Object.entries(templates).flatMap(([place, template]) =>
    bytes.map((byte) => ({
      name: `byte ${byte} ${place}`,
      bytes: Buffer.from(template.replace('@@', String.fromCharCode(byte)), 'latin1'),
    })),
  );
  return [...committed, ...odd, ...twoFramings()];
}
