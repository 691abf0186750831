// usage: node mtls-bridge.mjs ADDRESS CERTIFICATE KEY BUNDLE COMMAND…, with PORT in the command for the bridge's port
// Carries plaintext connections on loopback to ADDRESS:15008 over mutual TLS, for a client that has no client
// certificates of its own; runs the command and ends with it.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { connect } from 'node:tls';

const [host, certificate, key, bundle, ...command] = process.argv.slice(2);
const options = {
  host,
  port: 15_008,
  cert: readFileSync(certificate),
  key: readFileSync(key),
  ca: readFileSync(bundle),
  ALPNProtocols: ['h2'],
  checkServerIdentity: () => undefined,
};
const server = createServer((client) => {
  const tunnel = connect(options);
  for (const socket of [client, tunnel]) socket.on('error', () => {});
  client.pipe(tunnel).pipe(client);
});
server.listen(0, '127.0.0.1', () => {
  const [program, ...argv] = command.map((word) => word.replace('PORT', server.address().port));
  spawn(program, argv, { stdio: 'inherit' }).on('exit', (status) => process.exit(status ?? 1));
});
