// client.mjs HOST PORT SECONDS: 100 requests a second, whatever the answers take; prints how long they took, as JSON.
import { connect } from 'node:net';

const [host, port, seconds] = process.argv.slice(2);
const everyMs = 10;
const free = [];
const tookMs = [];
const open = () => {
  const socket = connect({ host, port: Number(port), noDelay: true });
  socket.on('error', () => {});
  socket.on('data', () => {
    tookMs.push(performance.now() - socket.dueMs);
    free.push(socket);
  });
  return socket;
};
const endMs = performance.now() + Number(seconds) * 1_000;
let dueMs = performance.now();
const timer = setInterval(() => {
  for (; dueMs <= performance.now(); dueMs += everyMs) {
    const socket = free.pop() ?? open();
    socket.dueMs = dueMs;
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  }
  if (performance.now() < endMs) return;
  clearInterval(timer);
  const sorted = tookMs.slice(100).sort((a, b) => a - b);
  const at = (part) => Number((sorted[Math.floor((sorted.length - 1) * part)] ?? Number.NaN).toFixed(2));
  process.stdout.write(`${JSON.stringify({ answers: sorted.length, p50: at(0.5), p99: at(0.99) })}\n`);
  process.exit(0);
}, 2);
