/**
 * Prints nanoseconds a message for reading a typical head, for writing it as it is forwarded, and for both, and for
 * bodies. Not part of the tests. Run: `node packages/wire/bench/http1.ts`
 */
import {
  ByteWriter,
  Http1RequestReader,
  Http1ResponseReader,
  writeRequestHead,
  writeResponseHead,
} from '../src/index.ts';

const request = Buffer.from(
  [
    'GET /api/carts/4711/items?limit=20&sort=name HTTP/1.1',
    'Host: cart.shop.svc.cluster.local:8080',
    'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36',
    'Accept: application/json, text/plain, */*',
    'Accept-Encoding: gzip, deflate, br',
    'Accept-Language: en-GB,en;q=0.9,de;q=0.8',
    'Connection: keep-alive',
    'Cookie: session=2f1c9a6e5b7d4f0a8c3e; theme=dark',
    'Traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    'X-Request-Id: 6f1d2c3b-9a8e-4f70-b1a2-334455667788',
    'Cache-Control: no-cache',
    '',
    '',
  ].join('\r\n'),
);
const response = Buffer.from(
  'HTTP/1.1 200 OK\r\nDate: Tue, 01 Jul 2025 12:00:00 GMT\r\nContent-Type: application/json; charset=utf-8\r\n' +
    'Content-Length: 27\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\nETag: W/"1b-abc"\r\nVary: Accept\r\n\r\n' +
    '{"items":[1,2,3],"next":""}',
);
const chunked = Buffer.from(
  'POST /upload HTTP/1.1\r\nHost: cart\r\nTransfer-Encoding: chunked\r\n\r\n' +
    `3e8\r\n${'x'.repeat(1000)}\r\n`.repeat(16) +
    '0\r\n\r\n',
);
const append = Buffer.from('x-forwarded-proto: http\r\ntulle-route: shop/cart\r\n');
const dropNames = [Buffer.from('x-request-id')];

function measure(name: string, rounds: number, run: () => void): void {
  for (let i = 0; i < rounds / 4; i++) run();
  let best = Number.POSITIVE_INFINITY;
  for (let repeat = 0; repeat < 7; repeat++) {
    const begun = performance.now();
    for (let i = 0; i < rounds; i++) run();
    best = Math.min(best, ((performance.now() - begun) * 1e6) / rounds);
  }
  process.stdout.write(`${name.padEnd(58)} ${best.toFixed(0).padStart(7)} ns\n`);
}

const requests = new Http1RequestReader();
const responses = new Http1ResponseReader();
const writer = new ByteWriter();

function read(bytes: Buffer): void {
  const next = requests.readHead(bytes, 0, bytes.length);
  if (requests.state === 'body') requests.readBody(bytes, next, bytes.length);
  if (requests.state !== 'complete') throw new Error(requests.failure?.message ?? requests.state);
}

measure(`request head of ${request.length} bytes, 10 fields: read`, 200_000, () => {
  read(request);
  requests.next();
});
read(request);
measure('the same: write', 200_000, () => {
  writeRequestHead(writer, requests.head);
  writer.take();
});
const edits = { append, dropNames };
measure('the same: write, one field dropped, two added', 200_000, () => {
  writeRequestHead(writer, requests.head, edits);
  writer.take();
});
requests.next();
measure('the same: read and write', 200_000, () => {
  read(request);
  writeRequestHead(writer, requests.head);
  writer.take();
  requests.next();
});
measure('the same: read in two pieces and write', 200_000, () => {
  requests.readHead(request, 0, 300);
  requests.readHead(request, 300, request.length);
  writeRequestHead(writer, requests.head);
  writer.take();
  requests.next();
});
measure(`response head of ${response.length - 27} bytes, 7 fields: read and write`, 200_000, () => {
  responses.expect(false);
  const next = responses.readHead(response, 0, response.length);
  writeResponseHead(writer, responses.head);
  responses.readBody(response, next, response.length);
  writer.take();
  responses.next();
});
measure('request with 16 chunks of 1000 bytes: read', 50_000, () => {
  read(chunked);
  requests.next();
});
const bytewise = Array.from(request, (byte) => Buffer.from([byte]));
measure('request head byte by byte: read', 5_000, () => {
  for (const byte of bytewise) requests.readHead(byte, 0, 1);
  requests.next();
});
