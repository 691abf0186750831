// The client of the route suite. Reads JSON from standard input: a list of lists of questions. Asks those of a list one
// after the other, the lists beside each other, and prints what came of each in the same shape.
import { Agent, request } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { Agent as HttpsAgent, request as requestTls } from 'node:https';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

const beside = 12;
const giveUpMs = 10_000;

function overHttp1({ over, host, port, path, method = 'GET', headers = {}, body, serverName }, agent) {
  return new Promise((done) => {
    const beganMs = performance.now();
    const end = (answer) => done({ ...answer, tookMs: performance.now() - beganMs });
    const tls = over === 'tls' ? { servername: serverName, rejectUnauthorized: false } : {};
    const options = { agent, host, port, path, method, headers, timeout: giveUpMs, ...tls };
    const sent = (over === 'tls' ? requestTls : request)(options, (response) => {
      const issuer = over === 'tls' ? response.socket.getPeerCertificate().issuer?.CN : undefined;
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.on('error', (error) => end({ error: error.code }));
      response.on('end', () => {
        const text = Buffer.concat(parts).toString('latin1');
        const isJson = response.headers['content-type'] === 'application/json' && text !== '';
        end({
          status: response.statusCode,
          headers: response.headers,
          ...(issuer === undefined ? {} : { isSuites: issuer === 'route suite' }),
          ...(isJson ? { body: JSON.parse(text) } : {}),
        });
      });
    });
    sent.on('timeout', () => sent.destroy(Object.assign(new Error(), { code: 'TIMEOUT' })));
    sent.on('error', (error) => end({ error: error.code }));
    sent.end(body === undefined ? undefined : Buffer.alloc(body.bytes ?? body.text.length, body.text));
  });
}

function overHttp2(session, { path, headers = {} }) {
  return new Promise((done) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    });
    let head = {};
    let trailers = {};
    stream.setTimeout(giveUpMs, () => stream.close());
    stream.on('response', (fields) => (head = fields));
    stream.on('trailers', (fields) => (trailers = fields));
    stream.on('error', (error) => done({ error: error.code }));
    stream.on('close', () => {
      const { ':status': status, 'x-seen': seen, ...rest } = head;
      const body = seen === undefined ? undefined : JSON.parse(Buffer.from(seen, 'base64').toString());
      done({ status, headers: rest, body, grpcStatus: trailers['grpc-status'] ?? head['grpc-status'] });
    });
    stream.resume();
    stream.end(Buffer.from([0, 0, 0, 0, 0]));
  });
}

/** The first line that the server says, and that what is said to it comes back. */
function overTcp({ host, port }) {
  return new Promise((done) => {
    const socket = connect({ host, port, timeout: giveUpMs });
    const lines = [];
    createInterface({ input: socket })
      .on('line', (line) => {
        lines.push(line);
        if (lines.length === 1) socket.write('hello\n');
        else {
          done({ lines });
          socket.destroy();
        }
      })
      .on('error', () => {});
    socket.on('timeout', () => socket.destroy());
    socket.on('error', (error) => done({ error: error.code }));
    socket.on('close', () => done({ error: 'closed' }));
  });
}

/** The question with what the first answer gave. */
function kept(question, first) {
  const { keeps, headers = {} } = question;
  if (keeps === undefined || first?.headers === undefined) return question;
  const value = keeps === 'cookie' ? String(first.headers['set-cookie']).split(';')[0] : first.headers[keeps];
  return { ...question, headers: { ...headers, [keeps]: value ?? 'none' } };
}

async function ask(question) {
  const { over = 'http1', count = 1, fresh = false, host, port } = question;
  const answers = [];
  const agent = new (over === 'tls' ? HttpsAgent : Agent)({ keepAlive: !fresh, maxSockets: 1 });
  const session = over === 'grpc' ? connectHttp2(`http://${host}:${port}`) : undefined;
  session?.on('error', () => {});
  for (let i = 0; i < count; i++) {
    if (over === 'tcp') answers.push(await overTcp(question));
    else if (over === 'grpc') answers.push(await overHttp2(session, question));
    else answers.push(await overHttp1(kept(question, answers[0]), agent));
  }
  agent.destroy();
  session?.destroy();
  // Of many only how often each came, and the last.
  const shares = {};
  for (const { status, headers, error, lines } of answers) {
    const name = error ?? lines?.[0] ?? `${status} ${headers['x-version'] ?? headers['tulle-reason'] ?? ''}`.trim();
    shares[name] = (shares[name] ?? 0) + 1;
  }
  return { ...answers.at(-1), shares };
}

let input = '';
for await (const part of process.stdin.setEncoding('utf8')) input += part;
const lists = JSON.parse(input);
const results = lists.map(() => []);
let next = 0;
await Promise.all(
  Array.from({ length: beside }, async () => {
    while (next < lists.length) {
      const index = next++;
      for (const question of lists[index]) results[index].push(await ask(question));
    }
  }),
);
process.stdout.write(`${JSON.stringify(results)}\n`, () => process.exit(0));
