// origin.ts PORT: answers /slow after a second, and every other request to /flaky with 503.
import { createServer } from 'node:http';

const slowMs = 1000;
let asked = 0;
createServer((request, response) => {
  if (request.url?.startsWith('/flaky') === true) {
    asked += 1;
    response.writeHead(asked % 2 === 1 ? 503 : 200).end('flaky\n');
  } else setTimeout(() => response.end('slow\n'), slowMs);
}).listen(Number(process.argv[2]), '127.0.0.1');
