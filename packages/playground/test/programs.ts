/** Programs that pods of the tests run. Each is a file beside the manifests. */

/** Answers with its pod's name over TCP and UDP on 8080; `GET /health?ok=no` makes its readiness fail from then on. */
export const echoProgram = `
import { createServer } from 'node:http';
import { createSocket } from 'node:dgram';
import { hostname } from 'node:os';
let well = true;
const server = createServer((request, response) => {
  if (request.url === '/health') response.statusCode = well ? 200 : 503;
  if (request.url === '/break') well = false;
  if (request.url === '/mend') well = true;
  response.end(hostname() + ' ' + (process.env.VERSION ?? ''));
});
server.listen(8080);
const udp = createSocket('udp4');
udp.on('message', (message, from) => udp.send(hostname(), from.port, from.address));
udp.bind(8080);
process.on('SIGTERM', () => server.close(() => process.exit(0)));
`;

/** `node count.mjs URL COUNT`: makes requests, a connection each, and prints how often each answer came. */
export const countProgram = `
import { get } from 'node:http';
const [url, count] = process.argv.slice(2);
const seen = {};
for (let i = 0; i < Number(count); i++) {
  const answer = await new Promise((resolve) => {
    const request = get(url, { agent: false, timeout: 3000 }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part) => (text += part)).on('end', () => resolve(response.statusCode === 200 ? text.trim() : 'HTTP ' + response.statusCode));
    });
    request.on('timeout', () => request.destroy(new Error('timeout')));
    request.on('error', (error) => resolve('ERROR ' + (error.code ?? error.message)));
  });
  seen[answer] = (seen[answer] ?? 0) + 1;
}
console.log(JSON.stringify(seen));
`;

/** `node udp.mjs HOST PORT`: prints the answer to one datagram. */
export const udpProgram = `
import { createSocket } from 'node:dgram';
const [host, port] = process.argv.slice(2);
const socket = createSocket('udp4');
setTimeout(() => process.exit(1), 3000).unref();
socket.on('message', (message) => { console.log(message.toString()); socket.close(); });
socket.send('hello', Number(port), host);
`;
