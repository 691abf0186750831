// A server of the route suite, which says what it is (VERSION) and what it was asked: HTTP/1.1 on 8080, HTTP/2 and gRPC
// on 8090, HTTP/1.1 over TLS on 8443 (TLS_CERT, TLS_KEY), and lines on 7000, of which the first says the version. The header x-do, JSON, says how it answers:
// {"status": 503, "times": 2}: with that status the first two times that a request of its x-key comes; {"delayMs": 500}.
// GET /counted?KEY/LEAST says how many requests with the x-key KEY came, once that many did (within 3 s).
// Mirrors come when they come.
import { createServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { createServer as createHttp2Server } from 'node:http2';
import { createServer as createTcpServer } from 'node:net';

const version = process.env.VERSION ?? '';
const ownDelayMs = Number(process.env.DELAY_MS ?? 0);
const counts = new Map();

function count(key) {
  const number = (counts.get(key) ?? 0) + 1;
  counts.set(key, number);
  return number;
}

async function read(stream) {
  const parts = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

async function answer(request, response) {
  const { method, url, headers } = request;
  response.setHeader('x-version', version);
  response.setHeader('x-from-server', 'yes');
  response.setHeader('content-type', 'application/json');
  if (url.startsWith('/counted?')) {
    const [key, least] = url.slice('/counted?'.length).split('/');
    const untilMs = performance.now() + 3_000;
    while ((counts.get(key) ?? 0) < Number(least) && performance.now() < untilMs) await sleep(10);
    response.end(JSON.stringify({ counted: counts.get(key) ?? 0 }));
    return;
  }
  try {
    const body = await read(request);
    const key = headers['x-key'];
    const number = key === undefined ? 1 : count(key);
    const { status = 503, times = 0, delayMs = ownDelayMs } = JSON.parse(headers['x-do'] ?? '{}');
    if (delayMs > 0) await sleep(delayMs);
    response.statusCode = number <= times ? status : 200;
    response.end(
      JSON.stringify({
        version,
        method,
        url,
        headers,
        body: body.toString('latin1').slice(0, 1000),
        bytes: body.length,
        sni: request.socket.servername || undefined,
      }),
    );
  } catch {
    response.destroy();
  }
}

const server = createServer(answer).listen(8080, '0.0.0.0');
if (process.env.TLS_CERT !== undefined) {
  createHttpsServer({ cert: process.env.TLS_CERT, key: process.env.TLS_KEY }, answer).listen(8443, '0.0.0.0');
}

createHttp2Server()
  .on('stream', (stream, headers) => {
    stream.on('error', () => {});
    const { 'x-key': key } = headers;
    if (key !== undefined) count(key);
    const names = Object.entries(headers).filter(([name]) => !name.startsWith(':'));
    const seen = { path: headers[':path'], headers: Object.fromEntries(names) };
    stream.respond(
      {
        ':status': 200,
        'content-type': 'application/grpc',
        'x-version': version,
        'x-from-server': 'yes',
        'x-seen': Buffer.from(JSON.stringify(seen)).toString('base64'),
      },
      { waitForTrailers: true },
    );
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.pipe(stream);
  })
  .listen(8090, '0.0.0.0');

createTcpServer((socket) => {
  socket.on('error', () => {});
  socket.write(`${version}\n`);
  socket.pipe(socket);
}).listen(7000, '0.0.0.0');

process.on('SIGTERM', () => {
  server.close(() => process.exit(0));
  setTimeout(() => process.exit(0), 1_000);
});
