// A cart that says which version it is and who it thinks is calling.
import { createServer } from 'node:http';
import { hostname } from 'node:os';

const version = process.env.VERSION ?? 'v1';
createServer((request, response) => {
  const client = request.socket.remoteAddress?.replace('::ffff:', '');
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ version, pod: hostname(), client, secret: 'three-green-apples' }));
}).listen(8080, '0.0.0.0');
process.on('SIGTERM', () => process.exit(0));
