// A load client for latency: `node open-loop-client.ts HOST PORT PER_SECOND SECONDS`. It sends a request whenever one is
// due, over any idle connection or a new one, and never waits for an answer before it sends the next. What it prints is
// {@link OpenLoopCounts}. A request's latency counts from when it was due, so that what the client or the machine was
// late by is in it, as it is for a user.
import { Socket } from 'node:net';
import { percentile } from '../statistics.ts';

/** What the client prints, as JSON. */
export interface OpenLoopCounts {
  readonly answered: number;
  readonly errors: number;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly p999Ms: number | null;
  /** How late the client sent, at the 99th percentile: it is part of the latencies. */
  readonly latenessP99Ms: number | null;
}

const maxConnections = 512;
const startConnections = 16;
/** Requests of the first moments are sent, but not counted. */
const settleMs = 300;
const drainMs = 5000;

const [host = '', portText = '', perSecondText = '', secondsText = ''] = process.argv.slice(2);
const port = Number(portText);
const intervalMs = 1000 / Number(perSecondText);
const total = Math.round((Number(secondsText) * 1000) / intervalMs);

const request = Buffer.from(`GET / HTTP/1.1\r\nHost: ${host}:${port}\r\nUser-Agent: open-loop\r\n\r\n`);
const ok = Buffer.from('HTTP/1.1 200');
const headEnd = Buffer.from('\r\n\r\n');

const idle: Connection[] = [];
const latencies: number[] = [];
const lateness: number[] = [];
let open = 0;
let outstanding = 0;
let errors = 0;

class Connection {
  readonly #socket = new Socket();
  #due: number | undefined;
  #received: Buffer = Buffer.alloc(0);

  constructor() {
    open++;
    this.#socket.setNoDelay(true);
    this.#socket.on('data', (bytes) => this.#onData(bytes as Buffer));
    this.#socket.on('error', () => {});
    this.#socket.on('close', () => this.#onClose());
    this.#socket.connect(port, host);
  }

  send(due: number): void {
    this.#due = due;
    outstanding++;
    this.#socket.write(request);
  }

  end(): void {
    this.#socket.destroy();
  }

  #onData(bytes: Buffer): void {
    this.#received = this.#received.length === 0 ? bytes : Buffer.concat([this.#received, bytes]);
    const end = this.#received.indexOf(headEnd);
    if (end < 0) return;
    const head = this.#received.toString('latin1', 0, end);
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? Number.NaN);
    if (Number.isNaN(length)) {
      this.#socket.destroy();
      return;
    }
    if (this.#received.length < end + 4 + length) return;
    this.#finish(this.#received.subarray(0, ok.length).equals(ok));
    this.#received = Buffer.alloc(0);
    idle.push(this);
  }

  #finish(good: boolean): void {
    if (this.#due === undefined) return;
    if (good && this.#due >= countedFrom) latencies.push(performance.now() - this.#due);
    if (!good) errors++;
    this.#due = undefined;
    outstanding--;
  }

  #onClose(): void {
    open--;
    const place = idle.indexOf(this);
    if (place >= 0) idle.splice(place, 1);
    this.#finish(false);
  }
}

for (let i = 0; i < startConnections; i++) idle.push(new Connection());
const startMs = performance.now() + settleMs;
const countedFrom = startMs;
let sent = -Math.floor(settleMs / 2 / intervalMs);

function turn(): void {
  const now = performance.now();
  for (let due = startMs + sent * intervalMs; due <= now && sent < total; due = startMs + ++sent * intervalMs) {
    // The one used last is the likeliest to be still open.
    const connection = idle.pop() ?? (open < maxConnections ? new Connection() : undefined);
    if (connection === undefined) {
      errors++;
      continue;
    }
    connection.send(due);
    if (due >= countedFrom) lateness.push(now - due);
  }
  if (sent < total) setTimeout(turn, 1);
  else finish(performance.now() + drainMs);
}

function finish(deadline: number): void {
  if (outstanding > 0 && performance.now() < deadline) {
    setTimeout(finish, 10, deadline);
    return;
  }
  const sorted = latencies.toSorted((a, b) => a - b);
  lateness.sort((a, b) => a - b);
  const counts: OpenLoopCounts = {
    answered: latencies.length,
    errors: errors + outstanding,
    p50Ms: percentile(sorted, 0.5),
    p99Ms: percentile(sorted, 0.99),
    p999Ms: percentile(sorted, 0.999),
    latenessP99Ms: percentile(lateness, 0.99),
  };
  process.stdout.write(`${JSON.stringify(counts)}\n`, () => process.exit(0));
}

turn();
