// A server that costs little: answers every head that it reads.
import { createServer } from 'node:net';

const answer = Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
createServer((socket) => {
  socket.setNoDelay(true);
  socket.on('error', () => {});
  socket.on('data', (bytes) => {
    for (let at = bytes.indexOf('\r\n\r\n'); at >= 0; at = bytes.indexOf('\r\n\r\n', at + 4)) socket.write(answer);
  });
}).listen(8080, '0.0.0.0', 4_096, () => process.stdout.write('listening\n'));
