// usage: node client.mjs OUTSIDE-ADDRESS [large]
// Speaks with the servers in every way that it knows, and prints what it saw of each: only what must be the same with
// and without a mesh. With `large`: large bodies, and nothing else.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Agent, createServer, request } from 'node:http';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';

const [outside, large] = process.argv.slice(2);
const timeoutMs = 15_000;

/** Makes a request and gives everything that an application can see of its answer. */
function ask(url, { body, agent = new Agent(), continues = false, ...options } = {}) {
  return new Promise((resolve, reject) => {
    const seen = [];
    const sent = request(url, { agent, ...options }, (response) => {
      const hash = createHash('sha256');
      let text = '';
      response.on('data', (chunk) => {
        hash.update(chunk);
        if (text.length < 2_000) text += chunk;
      });
      response.on('error', reject);
      response.on('end', () => {
        seen.push(`${response.statusCode}`);
        resolve({ seen, headers: response.headers, text, hash: hash.digest('hex'), trailers: response.trailers });
      });
    });
    sent.on('information', ({ statusCode, headers }) => seen.push(`${statusCode} ${headers.link ?? ''}`.trim()));
    sent.on('error', (error) => reject(error));
    if (continues) sent.on('continue', () => sent.end(body));
    else sent.end(body);
  });
}

/** Sends bytes on a connection (ended or not) and gives all that comes back. */
function talk(host, port, bytes, { end = true, afterGreeting = false } = {}) {
  return new Promise((resolve) => {
    let heard = '';
    const socket = connect({ host, port, allowHalfOpen: true });
    const send = () => (end ? socket.end(bytes) : socket.write(bytes));
    socket.on('connect', () => afterGreeting || send());
    socket.on('data', (chunk) => {
      if (heard === '' && afterGreeting) send();
      heard += chunk;
    });
    socket.on('end', () => {
      socket.end();
      resolve(heard);
    });
    socket.on('error', (error) => resolve(`${heard} ${error.code}`));
  });
}

const own = ({ seen, headers, text }) => [seen, headers['content-length'], headers['x-path'], text];

const overHttp = {
  async 'keep-alive'(origin) {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const texts = [];
    const ports = new Set();
    agent.on('free', (socket) => ports.add(socket.localPort));
    for (let i = 0; i < 5; i++) texts.push((await ask(`${origin}/secret-path-of-a-request/${i}`, { agent })).text);
    agent.destroy();
    return { texts, connections: ports.size };
  },
  async 'pipelined requests'(origin) {
    const get = (path, more = '') => `GET ${path} HTTP/1.1\r\nHost: h\r\n${more}\r\n`;
    const { hostname } = new URL(origin);
    const heard = await talk(hostname, 80, get('/1') + get('/2') + get('/3', 'Connection: close\r\n'), { end: false });
    return heard.match(/"url":"\/\d"/g);
  },
  'expect: 100-continue': async (origin) => {
    const headers = { expect: '100-continue', 'content-length': 25 };
    return own(await ask(`${origin}/`, { method: 'PUT', headers, continues: true, body: 'words-of-the-request-body' }));
  },
  HEAD: async (origin) => own(await ask(`${origin}/`, { method: 'HEAD' })),
  async '204 and 304'(origin) {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const all = [];
    for (const path of ['/204', '/304', '/204', '/']) {
      const { seen, headers, text } = await ask(`${origin}${path}`, { agent });
      all.push([seen, headers.etag, headers['content-length'], headers['transfer-encoding'], text.length > 0]);
    }
    agent.destroy();
    return all;
  },
  async trailers(origin) {
    const agent = new Agent();
    return await new Promise((resolve, reject) => {
      const headers = { trailer: 'x-sum', te: 'trailers', 'transfer-encoding': 'chunked' };
      const sent = request(`${origin}/trailers`, { agent, method: 'POST', headers }, (response) => {
        let text = '';
        response.on('data', (chunk) => (text += chunk));
        response.on('end', () => resolve([text, response.trailers]));
      });
      sent.on('error', reject);
      sent.write('body');
      sent.addTrailers({ 'x-sum': 'of-the-request' });
      sent.end();
    });
  },
  async 'a WebSocket'(origin) {
    const socket = new WebSocket(`${origin.replace('http', 'ws')}/ws`, ['talk']);
    const heard = [];
    socket.addEventListener('open', () => socket.send('one'));
    socket.addEventListener('message', ({ data }) => {
      heard.push(data);
      if (heard.length === 3) socket.close(1000, 'done');
      else socket.send(`after ${data}`);
    });
    return await new Promise((resolve) => {
      socket.addEventListener('error', () => heard.push('error'));
      socket.addEventListener('close', ({ code, reason, wasClean }) =>
        resolve({ heard, protocol: socket.protocol, code, reason, wasClean }),
      );
    });
  },
  async 'an HTTP/1.0 client'(origin) {
    const { hostname } = new URL(origin);
    const heard = await talk(hostname, 80, 'GET /old HTTP/1.0\r\n\r\n', { end: false });
    const [head, body] = heard.split('\r\n\r\n');
    return { status: head.slice(9, 12), chunked: /transfer-encoding/i.test(head), url: JSON.parse(body).url };
  },
  'targets as they are': async (origin) => (await ask(origin, { path: '/a//b/./c/../d%2Fe%20f?x=%26&&y=a+b;c' })).text,
  'methods as they are': async (origin) => {
    const all = [];
    const headers = { 'content-length': 25 };
    for (const method of ['PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'POST']) {
      const { seen, text } = await ask(`${origin}/`, { method, headers, body: 'words-of-the-request-body' });
      all.push(seen, JSON.parse(text).method, JSON.parse(text).hash);
    }
    return all;
  },
  'a body of no length': async (origin) =>
    (await ask(`${origin}/`, { method: 'POST', headers: { 'content-length': 0 } })).text,
  'repeated header fields': async (origin) => {
    const { headers } = await ask(`${origin}/cookies`);
    const asked = await ask(`${origin}/`, {
      headers: { 'x-twice': ['1', '2, 3'], 'X-Empty': '', 'x-obs': 'caf\u00e9' },
    });
    return [headers['set-cookie'], asked.text];
  },
  'large header fields': async (origin) =>
    (await ask(`${origin}/`, { headers: { cookie: 'c'.repeat(6_000), from: 'f'.repeat(6_000) } })).text.includes(
      '"long":true',
    ),
  'early hints': async (origin) => own(await ask(`${origin}/early-hints`)),
  async 'parts as they come'(origin) {
    const headers = { 'x-key': origin };
    return await new Promise((resolve, reject) => {
      const sent = request(`${origin}/parts`, { agent: new Agent(), headers }, (response) => {
        const parts = [];
        response.on('data', (chunk) => {
          parts.push(`${chunk}`);
          if (parts.length === 1) ask(`${origin}/first-part-is-here`, { headers }).catch(reject);
        });
        response.on('end', () => resolve(parts));
      });
      sent.on('error', reject);
      sent.end();
    });
  },
  // The client itself may notice the end of the connection before the answer; what is answered must be the server's.
  async 'an answer before the body'(origin) {
    const all = new Set();
    for (let i = 0; i < 20; i++) {
      const sent = ask(`${origin}/too-large`, { method: 'POST', body: Buffer.alloc(100_000) });
      const { seen, text } = await sent.catch(({ code }) => ({ seen: code, text: '' }));
      if (!['EPIPE', 'ECONNRESET'].includes(seen)) all.add(`${seen} ${text}`);
    }
    return [...all];
  },
};

const overTcp = {
  'an HTTP/1.0 server': async () => own(await ask('http://old/of-old')),
  'a response that ends by close': async () => own(await ask('http://raw:81/')),
  'a half-closed connection': () => talk('raw', 7000, 'words-on-raw-tcp'),
  'a server that ends first': async () => {
    await talk('raw', 7002, 'after your end');
    return 'the server ended, and was heard';
  },
  'a server that speaks first': () => talk('raw', 7001, 'HELO', { end: false, afterGreeting: true }),
  'a server that resets': () => talk('raw', 7003, 'x', { end: false }),
  "an application's own TLS": () =>
    new Promise((resolve, reject) => {
      const socket = connectTls({ host: 'raw', port: 8443, servername: 'raw', ca: readFileSync('ca.crt') });
      let heard = '';
      socket.on('secureConnect', () => socket.write('words-in-tls'));
      socket.on('data', (chunk) => (heard += chunk));
      socket.on('end', () => resolve([heard, socket.getPeerX509Certificate()?.fingerprint256, socket.getProtocol()]));
      socket.on('error', reject);
    }),
  'a pod by its own address': async () => own(await ask('http://direct:8080/by-address')),
  'an address outside': () => talk(outside, 7100, 'hello outside'),
  async 'itself, through a Service'() {
    const server = createServer((incoming, response) => response.end(incoming.url));
    await new Promise((done) => server.listen(9000, '0.0.0.0', done));
    const results = [own(await ask('http://self/')), own(await ask('http://127.0.0.1:9000/'))];
    server.closeAllConnections();
    server.close();
    return results;
  },
};

async function largeBodies(origin) {
  const block = Buffer.alloc(1 << 20, 'words-of-a-large-request ');
  const hash = createHash('sha256');
  async function* blocks() {
    for (let i = 0; i < 50; i++) {
      hash.update(block);
      yield block;
    }
  }
  return await new Promise((resolve, reject) => {
    const sent = request(`${origin}/large`, { agent: new Agent(), method: 'POST' }, (response) => {
      const received = createHash('sha256');
      response.on('data', (chunk) => received.update(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const sentHash = hash.digest('hex');
        resolve({ heardAsSent: response.headers['x-hash'] === sentHash, received: received.digest('hex') });
      });
    });
    sent.on('error', reject);
    (async () => {
      for await (const part of blocks())
        if (!sent.write(part)) await new Promise((drained) => sent.once('drain', drained));
      sent.end();
    })().catch(reject);
  });
}

const hosts = ['detected', 'routed', 'near'];
const checks = {};
if (large === 'large') {
  for (const host of hosts) checks[`${host}: 50 MB both ways`] = () => largeBodies(`http://${host}`);
} else {
  for (const host of hosts)
    for (const [name, check] of Object.entries(overHttp)) checks[`${host}: ${name}`] = () => check(`http://${host}`);
  Object.assign(checks, overTcp);
}

const results = {};
for (const [name, check] of Object.entries(checks)) {
  const late = new Promise((resolve) => setTimeout(() => resolve('FAILED: late'), timeoutMs).unref());
  const failed = (error) => `FAILED: ${error.code ?? error.stack}`;
  results[name] = await Promise.race([check().catch(failed), late]);
}
process.stdout.write(`${JSON.stringify(results)}\n`, () => process.exit(0));
