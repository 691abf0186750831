// A server in a pod: gives back every byte. `node echo-stream.mjs PORT`; says `listening` when it does.
import { createServer } from 'node:net';

createServer({ allowHalfOpen: true }, (socket) => {
  socket.on('error', () => {});
  socket.pipe(socket);
}).listen(Number(process.argv[2]), '0.0.0.0', () => process.stdout.write('listening\n'));
