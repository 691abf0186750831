// usage: node calls.mjs ORIGIN JSON, a list of {path, headers, body, count}
// Makes the calls one after the other on one HTTP/2 connection, and prints for each how often each answer came: the
// status, the server's version or the mesh's reason, and the gRPC status; and what came back of the last one.
import { connect } from 'node:http2';

const [origin, text] = process.argv.slice(2);
const session = connect(origin);

function call({ path, headers = {}, body }) {
  return new Promise((done) => {
    const stream = session.request({ ':path': path, ':method': body === undefined ? 'GET' : 'POST', ...headers });
    let head = {};
    let trailers = {};
    let echoed = '';
    stream.on('response', (fields) => (head = fields));
    stream.on('trailers', (fields) => (trailers = fields));
    stream.setEncoding('utf8').on('data', (part) => (echoed += part));
    stream.on('error', (error) => done({ answer: `error ${error.code}` }));
    stream.on('close', () => {
      const grpcStatus = trailers['grpc-status'] ?? head['grpc-status'];
      const parts = [
        head[':status'],
        head['x-version'] ?? head['tulle-reason'],
        grpcStatus && `grpc-status ${grpcStatus}`,
      ];
      done({ answer: parts.filter((part) => part !== undefined).join(' '), echoed });
    });
    stream.end(body);
  });
}

const results = [];
for (const plan of JSON.parse(text)) {
  const result = { answers: {}, echoed: '' };
  for (let i = 0; i < (plan.count ?? 1); i++) {
    const { answer, echoed } = await call(plan);
    result.answers[answer] = (result.answers[answer] ?? 0) + 1;
    result.echoed = echoed;
  }
  results.push(result);
}
session.close();
process.stdout.write(`${JSON.stringify(results)}\n`);
