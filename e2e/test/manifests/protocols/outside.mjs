// A host outside the mesh: echoes what it hears on 7100 when the other side has ended. Says when it listens.
import { createServer } from 'node:net';

createServer({ allowHalfOpen: true }, (socket) => {
  socket.on('error', () => {});
  let heard = '';
  socket.on('data', (chunk) => (heard += chunk));
  socket.on('end', () => socket.end(`${socket.remoteAddress} said ${heard}`));
}).listen(7100, '0.0.0.0', () => process.stdout.write('listening\n'));
