// Echoes lines on TCP port 7000.
import { createServer } from 'node:net';

createServer((socket) => {
  socket.on('error', () => {});
  socket.pipe(socket);
}).listen(7000, '0.0.0.0');
process.on('SIGTERM', () => process.exit(0));
