import { createServer } from 'node:http';

// Answers every request with who answered and what was asked.
const server = createServer((request, response) => {
  request.resume();
  const answer = {
    service: 'cart',
    version: process.env.VERSION,
    pod: process.env.POD,
    method: request.method,
    path: request.url,
    headers: request.headers,
    client: request.socket.remoteAddress,
  };
  response.setHeader('content-type', 'application/json');
  response.end(`${JSON.stringify(answer)}\n`);
});
server.listen(8080);
process.on('SIGTERM', () => server.close(() => process.exit(0)));
