// ask.mjs HOST PORT bytes TEXT COUNT | tls SERVERNAME | http PATH: prints what came, as JSON.
import { get } from 'node:http';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';

const [host, port, how, what, count = '1'] = process.argv.slice(2);

const bytes = () =>
  new Promise((resolve) => {
    const socket = connect({ host, port: Number(port) });
    let text = '';
    socket.on('data', (chunk) => (text += chunk));
    socket.on('error', (error) => resolve(error.code));
    socket.on('end', () => resolve(text));
    socket.write(what);
  });

const tls = () =>
  new Promise((resolve) => {
    const socket = connectTls({ host, port: Number(port), servername: what, rejectUnauthorized: false });
    socket.on('error', (error) => resolve(/alert number \d+/.exec(error.message)?.[0] ?? error.code));
    socket.on('secureConnect', () => {
      const { subjectaltname } = socket.getPeerCertificate();
      socket.destroy();
      resolve(subjectaltname);
    });
  });

const http = () =>
  new Promise((resolve) => {
    get({ host, port: Number(port), path: what, agent: false }, (response) => {
      let text = '';
      response.on('data', (chunk) => (text += chunk));
      response.on('end', () => resolve(`${response.statusCode} ${text}`));
    }).on('error', (error) => resolve(error.code));
  });

const answers = [];
for (let i = 0; i < Number(count); i++) answers.push(await { bytes, tls, http }[how]());
console.log(JSON.stringify(answers));
