/**
 * A small HTTP/2 origin on this package's codec, without TLS ("prior knowledge"), for h2spec, nghttp and h2load:
 *
 *   node packages/wire/testbed/http2-origin.ts [PORT]
 *
 * It prints the port that it listens on. `GET /bytes/N` gives N bytes; everything else gives a short text; a request
 * body is echoed. A CONNECT stream is echoed, too.
 */
import { createOriginServer } from './origin-server.ts';

const server = createOriginServer();
server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => {
  const address = server.address();
  if (address !== null && typeof address === 'object') process.stdout.write(`${address.port}\n`);
});
