// The backend of streaming calls: `node grpc-stream-server.ts PORT`. It speaks HTTP/2 in plaintext and answers each call
// with the messages that it gets, as they come; then with the trailers of a call that went well.
import { createServer } from 'node:http2';
import type { ServerHttp2Stream } from 'node:http2';

const server = createServer();
server.on('stream', (stream: ServerHttp2Stream) => {
  stream.on('error', () => {});
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.pipe(stream);
});
server.on('sessionError', () => {});
server.listen(Number(process.argv[2]), '127.0.0.1');
