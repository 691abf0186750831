// Speaks what applications speak: HTTP/1.1 with all its corners on 8080, and a protocol on each of some TCP ports.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';

const block = Buffer.alloc(1 << 20, 'words-of-a-large-response ');
const waiting = new Map();

function sendLarge(response, left) {
  while (left > 0) {
    left -= 1;
    if (!response.write(block)) return void response.once('drain', () => sendLarge(response, left));
  }
  response.end();
}

const answers = {
  '/large'(request, response) {
    const hash = createHash('sha256');
    request.on('data', (chunk) => hash.update(chunk));
    request.on('end', () => {
      response.setHeader('x-hash', hash.digest('hex'));
      sendLarge(response, 50);
    });
  },
  '/204': (_request, response) => response.writeHead(204).end(),
  '/304': (_request, response) => response.writeHead(304, { etag: '"e"' }).end(),
  '/cookies': (_request, response) =>
    response
      .writeHead(200, [
        ['set-cookie', 'a=1'],
        ['set-cookie', 'b=2, c'],
      ])
      .end('ok'),
  '/early-hints'(_request, response) {
    response.writeEarlyHints({ link: '</style.css>; rel=preload' }, () => response.end('after the hints'));
  },
  '/trailers'(request, response) {
    request.resume();
    request.on('end', () => {
      response.writeHead(200, { trailer: 'x-checksum' });
      response.write(JSON.stringify(request.trailers));
      response.addTrailers({ 'x-checksum': 'of-the-response' });
      response.end();
    });
  },
  // The second part comes when the client has said that it has the first.
  '/parts'(request, response) {
    response.write('first,');
    waiting.set(request.headers['x-key'], () => response.end('second'));
  },
  '/first-part-is-here'(request, response) {
    waiting.get(request.headers['x-key'])?.();
    waiting.delete(request.headers['x-key']);
    response.end();
  },
  '/reset': (request) => request.socket.resetAndDestroy(),
  '/too-large'(_request, response) {
    // Answers without reading what comes.
    response.writeHead(413, { connection: 'close' }).end('too large');
  },
};

const echoRequest = (request, response) => {
  const { method, url, headers, rawHeaders } = request;
  const body = createHash('sha256');
  request.on('data', (chunk) => body.update(chunk));
  request.on('end', () => {
    const own = Object.entries(headers).filter(([name]) => name.startsWith('x-') || name === 'content-length');
    const bytes = rawHeaders.reduce((sum, text) => sum + text.length, 0);
    const hash = body.digest('hex').slice(0, 8);
    const text = JSON.stringify({ method, url, host: headers.host, own, long: bytes > 10_000, hash });
    response.setHeader('content-length', Buffer.byteLength(text));
    response.end(method === 'HEAD' ? undefined : text);
  });
};

const server = createServer((request, response) => (answers[request.url] ?? echoRequest)(request, response));
// What RFC 6455 says about a server, for short messages.
server.on('upgrade', (request, socket) => {
  const accept = createHash('sha1').update(
    `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`,
  );
  const fields = ['Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Accept: ${accept.digest('base64')}`];
  socket.write(`HTTP/1.1 101 Switching Protocols\r\n${fields.join('\r\n')}\r\nSec-WebSocket-Protocol: talk\r\n\r\n`);
  socket.on('error', () => {});
  let bytes = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    bytes = Buffer.concat([bytes, chunk]);
    while (bytes.length >= 6 && bytes.length >= 6 + (bytes[1] & 0x7f)) {
      const length = bytes[1] & 0x7f;
      const payload = bytes.subarray(6, 6 + length).map((byte, at) => byte ^ bytes[2 + (at % 4)]);
      socket.write(Buffer.concat([Buffer.from([bytes[0], length]), payload]));
      if ((bytes[0] & 0x0f) === 8) socket.end();
      bytes = bytes.subarray(6 + length);
    }
  });
});
server.listen(8080, '0.0.0.0');

const tcp = (port, serve) =>
  createTcpServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    serve(socket);
  }).listen(port, '0.0.0.0');

// An HTTP response that ends by closing.
tcp(8081, (socket) => socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\n\r\nuntil the end')));
// Answers only when it has heard everything.
tcp(7000, (socket) => {
  let heard = '';
  socket.on('data', (chunk) => (heard += chunk));
  socket.on('end', () => socket.end(`heard ${heard}`));
});
// Speaks first.
tcp(7001, (socket) => {
  socket.write('220 ready\r\n');
  socket.once('data', (chunk) => socket.end(`250 ${chunk}`));
});
// Ends its side first, and tells on the next connection what it heard afterwards.
let heardAfterEnd = '';
tcp(7002, (socket) => {
  socket.end(heardAfterEnd);
  socket.on('data', (chunk) => (heardAfterEnd += chunk));
});
// Resets at the first bytes.
tcp(7003, (socket) => socket.once('data', () => socket.resetAndDestroy()));
createTlsServer({ key: readFileSync('tls.key'), cert: readFileSync('tls.crt') }, (socket) => {
  socket.on('error', () => {});
  socket.once('data', (chunk) => socket.end(`over TLS: ${chunk}`));
}).listen(8443, '0.0.0.0');
process.on('SIGTERM', () => process.exit(0));
