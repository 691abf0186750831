// A client in a pod that never rests: `node traffic.mjs HTTP-HOST STREAM-HOST:PORT`. It asks over and over, with a new
// connection each time and on one that it keeps, and holds streams open. A line on its standard input is a command, the
// answer is a line of JSON: `keep` begins to ask on one more connection that is kept, `stream NAME` opens a stream, `end NAME`
// ends one in good order, `report` says what came.
import { Agent, request } from 'node:http';
import { createConnection } from 'node:net';
import { createInterface } from 'node:readline';

const [httpHost, streamAddress] = process.argv.slice(2);
const [streamHost, streamPort] = streamAddress.split(':');
const kept = () => ({ ok: 0, failures: [], connections: 0 });
const kinds = { fresh: { ok: 0, failures: [] }, kept: kept(), keptLater: kept() };
const streams = {};
const keeping = () => new Agent({ keepAlive: true, maxSockets: 1 });

function ask(kind, agent, then) {
  const counts = kinds[kind];
  const begun = new Date().toISOString();
  let from = 'no connection';
  const failed = (why) => {
    counts.failures.push(`a request of ${begun}, ${from}: ${why}`);
    then();
  };
  const exchange = request({ host: httpHost, agent, timeout: 10_000 }, (response) => {
    response.resume();
    response.on('error', (error) => failed(`body: ${error.code}`));
    response.on('end', () => {
      const { statusCode, headers } = response;
      if (statusCode !== 200) return failed(`status ${statusCode} ${headers['tulle-reason'] ?? ''}`);
      counts.ok += 1;
      then();
    });
  });
  exchange.on('timeout', () => {
    if (exchange.socket.connecting) from = `still connecting from port ${exchange.socket.localPort}`;
    exchange.destroy(new Error('timeout'));
  });
  exchange.on('error', (error) => failed(error.code ?? error.message));
  exchange.on('socket', (socket) => {
    const connected = () => (from = `port ${socket.localPort}`);
    if (socket.connecting) socket.once('connect', connected);
    else connected();
    if ('connections' in counts && !exchange.reusedSocket) counts.connections += 1;
  });
  exchange.end();
}

const forever = (kind, agent) => ask(kind, agent, () => setTimeout(() => forever(kind, agent), 10));

function openStream(name) {
  const state = { sent: 0, received: 0, end: null };
  streams[name] = { state, socket: createConnection({ host: streamHost, port: Number(streamPort) }) };
  const { socket } = streams[name];
  const timer = setInterval(() => {
    socket.write('x'.repeat(100));
    state.sent += 100;
  }, 20);
  socket.on('data', (bytes) => (state.received += bytes.length));
  socket.on('error', (error) => (state.end = error.code));
  socket.on('end', () => (state.end ??= 'ended by the other side'));
  socket.on('close', () => clearInterval(timer));
  streams[name].finish = () =>
    new Promise((resolve) => {
      clearInterval(timer);
      socket.removeAllListeners('end');
      socket.on('end', () => {
        state.end ??= 'done';
        resolve(state);
      });
      socket.on('error', () => resolve(state));
      if (state.end !== null) resolve(state);
      else socket.end();
    });
}

/** Waits until an address takes connections: kube-proxy hears of new pods in its own time. At most 20 s. */
async function reachable(host, port) {
  const untilMs = performance.now() + 20_000;
  while (performance.now() < untilMs) {
    const socket = createConnection({ host, port });
    const taken = await new Promise((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    socket.destroy();
    if (taken) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

await reachable(httpHost, 80);
await reachable(streamHost, Number(streamPort));
forever('fresh', false);
forever('kept', keeping());
for await (const line of createInterface({ input: process.stdin })) {
  const [command, name] = line.split(' ');
  let answer = {};
  if (command === 'stream') openStream(name);
  else if (command === 'keep') forever('keptLater', keeping());
  else if (command === 'end') answer = await streams[name].finish();
  else
    answer = { ...kinds, streams: Object.fromEntries(Object.entries(streams).map(([key, { state }]) => [key, state])) };
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
process.exit(0);
