// HTTPS at 8443 with a certificate of its own for NAME.internal.example, and at 9000 bytes: the version, or that certificate.
import { spawnSync } from 'node:child_process';
import { createServer as createHttpsServer } from 'node:https';
import { createServer } from 'node:net';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const version = process.env.VERSION;
const directory = mkdtempSync(join(tmpdir(), 'tulle-secure-'));
const [keyFile, certificateFile] = ['key.pem', 'certificate.pem'].map((name) => join(directory, name));
const options = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
const names = ['-subj', '/CN=test', '-addext', `subjectAltName=DNS:${version}.internal.example`];
spawnSync('openssl', ['req', ...options, ...names, '-keyout', keyFile, '-out', certificateFile], { stdio: 'inherit' });
const [key, cert] = [readFileSync(keyFile), readFileSync(certificateFile)];

createHttpsServer({ key, cert }, (request, response) => {
  response.end(`${version} ${request.socket.servername} ${request.url}`);
}).listen(8443);
createServer((socket) => {
  socket.on('error', () => {});
  socket.once('data', (bytes) => socket.end(String(bytes).startsWith('certificate') ? cert : version));
}).listen(9000);
