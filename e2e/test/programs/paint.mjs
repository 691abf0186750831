// A server that says which version it is and what it was asked: HTTP/1.1 on 8080, HTTP/2 and gRPC on 8090.
// Paths that begin with /never are never answered.
import { createServer } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { hostname } from 'node:os';

const version = process.env.VERSION ?? '';
const pod = hostname();

const server = createServer((request, response) => {
  if (request.url.startsWith('/never')) return;
  const { method, url, headers } = request;
  const client = request.socket.remoteAddress.replace('::ffff:', '');
  response.setHeader('content-type', 'application/json');
  response.setHeader('x-version', version);
  response.end(JSON.stringify({ version, pod, client, method, url, headers }));
}).listen(8080, '0.0.0.0');

createHttp2Server()
  .on('stream', (stream, headers) => {
    stream.on('error', () => {});
    const isGrpc = headers['content-type']?.startsWith('application/grpc');
    stream.respond(
      { ':status': 200, 'x-version': version, ...(isGrpc ? { 'content-type': 'application/grpc' } : {}) },
      { waitForTrailers: true },
    );
    stream.on('wantTrailers', () => stream.sendTrailers(isGrpc ? { 'grpc-status': '0' } : {}));
    // What comes goes back, message by message.
    stream.pipe(stream);
  })
  .listen(8090, '0.0.0.0');

// As a good server does: what is being answered is answered to its end.
process.on('SIGTERM', () => {
  server.close(() => process.exit(0));
  setTimeout(() => process.exit(0), 2_000);
});
