import { connect as connectTls } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import { Socket } from 'node:net';
import { backoffDelayMs, equalsBytes, findHeader } from '@tulle/core';
import { peerIdentity } from '@tulle/identity/peer';
import type { NetworkNamespace } from '@tulle/linux';
import { openTcpSocket, podPorts, socketMarks } from '@tulle/linux';
import type { Http2Handlers, Http2Headers, Http2Stream } from '@tulle/wire';
import { defaultHttp2Limits, Http2Connection, http2ErrorCode, tunnelHttp2Settings } from '@tulle/wire';
import type { ByteChannel, ChannelFailure, ChannelOwner } from './channel.ts';
import type { CertificateStore } from './certificates.ts';
import { endpointConnectTimeoutMs, handshakeTimeoutMs, tunnelAnswerTimeoutMs } from './connect-timeouts.ts';
import { clientPatience, Silence } from './silence.ts';
import { StreamChannel } from './stream-channel.ts';
import type { StreamCarrier } from './stream-channel.ts';
import type { Ticker } from './tick.ts';
import { ReadPause } from './read-pause.ts';
import { TlsOutput } from './tls-output.ts';
import { TunnelInput } from './tunnel-input.ts';
import type { InputTurns } from './tunnel-input.ts';
import { unansweredField } from './tunnel-headers.ts';
import type { TunnelHeaders } from './tunnel-headers.ts';
import { clientMargin, TunnelLife } from './tunnel-life.ts';
import type { TurnFlusher } from './turn-flusher.ts';

/** What all tunnels of one pod share. */
export interface TunnelContext {
  readonly input: InputTurns;
  readonly namespace: NetworkNamespace;
  /** The pod's own SPIFFE id, shown to the other end. */
  readonly identity: string;
  readonly certificates: CertificateStore;
  readonly headers: TunnelHeaders;
  readonly flusher: TurnFlusher;
  readonly ticker: Ticker;
}

/** Where a tunnel leads: a pod's address, and the identity that must answer there. */
export interface TunnelPeer {
  readonly address: string;
  readonly identity: string;
}

const maxStreams = 100;
/** A refused port may be that of a pod that is just joining, or whose agent is being restarted: so long it is tried. */
const refusedForMs = 3_000;
const refusedBackoff = { initialMs: 10, maxMs: 200, jitter: 0.3 };
const idleTimeoutMs = 300_000;
/** How often a tunnel is looked after. */
const watchMs = 10_000;
const emptyPing = Buffer.alloc(8);

/** A stream that waits for its connection. */
interface WaitingStream {
  readonly channel: StreamChannel;
  readonly destination: string;
}

/**
 * One HBONE connection from a pod to another: TLS 1.3 with the pod's certificate, the other end's identity checked, HTTP/2
 * CONNECT streams in it (one for each connection to the application behind).
 *
 * States: connecting -> open -> draining -> closed; connecting -> closed. Draining takes no new streams.
 */
export class TunnelConnection implements Http2Handlers, StreamCarrier {
  state: 'connecting' | 'open' | 'draining' | 'closed' = 'connecting';
  deadlineMs = Number.POSITIVE_INFINITY;
  streams = 0;
  readonly #context: TunnelContext;
  readonly peer: TunnelPeer;
  readonly #onClosed: (connection: TunnelConnection) => void;
  readonly #startedMs = performance.now();
  #waiting: WaitingStream[] = [];
  #refusals = 0;
  #raw: Socket | undefined;
  #secure: TLSSocket | undefined;
  #http2: Http2Connection | undefined;
  #output: TlsOutput | undefined;
  #input: TunnelInput | undefined;
  #retryTimer: NodeJS.Timeout | undefined;
  #silence: Silence | undefined;
  #idleSinceMs = 0;
  #certificateEndMs = Number.POSITIVE_INFINITY;
  #life: TunnelLife | undefined;

  constructor(context: TunnelContext, peer: TunnelPeer, onClosed: (connection: TunnelConnection) => void) {
    this.#context = context;
    this.peer = peer;
    this.#onClosed = onClosed;
    this.#connect();
  }

  /** Whether nothing new should be begun in it: it ends, or readers that have stopped are in the way of everybody. */
  get retiring(): boolean {
    return this.state === 'draining' || this.isBlocked;
  }

  /** Whether streams that are not read keep the others from getting on. */
  get isBlocked(): boolean {
    return this.#http2?.isWindowClosed ?? false;
  }

  /** Whether another stream may be opened here (or wait for the connection). */
  get hasRoom(): boolean {
    if (this.state === 'connecting') return this.#waiting.length < maxStreams;
    return this.state === 'open' && this.streams < maxStreams && (this.#http2?.canOpenStream ?? false);
  }

  /** Opens a stream to `destination` (`address:port` of the application); the channel opens when the other end accepts. */
  openStream(destination: string, owner: ChannelOwner): ByteChannel {
    const channel = new StreamChannel(owner, this);
    if (this.state === 'open') {
      this.#begin(channel, destination);
    } else {
      const waiting = { channel, destination };
      this.#waiting.push(waiting);
      channel.onWithdrawn = () => {
        this.#waiting = this.#waiting.filter((other) => other !== waiting);
      };
    }
    return channel;
  }

  /** Lets the streams end and closes then. */
  drain(): void {
    if (this.state === 'connecting') this.#close('tunnel-closed');
    if (this.state !== 'open') return;
    this.state = 'draining';
    if (this.streams === 0) this.#close(undefined);
  }

  /** Breaks the connection and all of its streams. */
  destroy(): void {
    this.#close('tunnel-closed');
  }

  #begin(channel: StreamChannel, destination: string): void {
    const http2 = this.#http2;
    const stream = http2?.openStream(this.#context.headers.connectTo(destination), false, 'connect');
    if (stream === undefined) {
      channel.closed('tunnel-closed');
      return;
    }
    this.streams += 1;
    channel.attach(stream);
    channel.awaitAnswer(this.#context.ticker, tunnelAnswerTimeoutMs);
  }

  /** Where nothing at all was heard since then, the other end may be gone: pings will tell, and nothing new is begun. */
  unanswered(sinceMs: number): void {
    if ((this.#silence?.lastHeardMs ?? 0) <= sinceMs) this.drain();
  }

  #connect(): void {
    const { certificates, identity, namespace } = this.#context;
    const certificate = certificates.get(identity);
    if (certificate === undefined || certificate.notAfterMs <= Date.now()) {
      queueMicrotask(() => this.#close('no-certificate'));
      return;
    }
    const { address } = this.peer;
    let fd: number;
    try {
      fd = namespace.run(() => openTcpSocket({ destination: address, mark: socketMarks.outbound }));
    } catch {
      queueMicrotask(() => this.#close('connect-failed'));
      return;
    }
    const raw = new Socket({ fd, allowHalfOpen: true });
    this.#raw = raw;
    this.deadlineMs = performance.now() + endpointConnectTimeoutMs;
    this.#context.ticker.add(this);
    raw.on('error', this.#onRawError);
    raw.once('connect', () => {
      raw.off('error', this.#onRawError);
      this.#secureOver(raw);
    });
    raw.connect({ host: address, port: podPorts.hbone });
  }

  readonly #onRawError = (error: NodeJS.ErrnoException): void => {
    const mayComeUp = error.code === 'ECONNREFUSED' && performance.now() - this.#startedMs < refusedForMs;
    if (!mayComeUp || this.state !== 'connecting') {
      this.#close(error.code === 'ECONNREFUSED' ? 'connect-refused' : 'connect-failed');
      return;
    }
    this.deadlineMs = Number.POSITIVE_INFINITY;
    this.#retryTimer = setTimeout(() => this.#connect(), backoffDelayMs(refusedBackoff, this.#refusals));
    this.#refusals += 1;
  };

  #secureOver(raw: Socket): void {
    raw.on('error', () => {
      this.#input?.flush();
      this.#close('reset');
    });
    raw.setNoDelay(true);
    this.deadlineMs = performance.now() + handshakeTimeoutMs;
    const own = this.#context.certificates.get(this.#context.identity);
    if (own === undefined) {
      this.#close('no-certificate');
      return;
    }
    this.#certificateEndMs = own.notAfterMs;
    // The name is checked below against the whole SPIFFE id: there is no host name to check.
    const secure = connectTls({
      socket: raw,
      secureContext: own.context,
      ALPNProtocols: ['h2'],
      rejectUnauthorized: true,
      checkServerIdentity: () => undefined,
    });
    this.#secure = secure;
    secure.on('error', () => {
      // What came before the break, and waits for its turn, was said.
      this.#input?.flush();
      this.#close(this.state === 'connecting' ? 'peer-identity' : 'reset');
    });
    secure.on('close', () => {
      this.#input?.flush();
      this.#close('tunnel-closed');
    });
    secure.once('secureConnect', () => this.#onSecure(secure));
  }

  #onSecure(secure: TLSSocket): void {
    if (this.state !== 'connecting') return;
    const certificate = secure.getPeerX509Certificate();
    const peer =
      certificate === undefined ? undefined : peerIdentity(certificate, { nowMs: Date.now(), role: 'server' });
    const isExpected = peer?.ok === true && peer.value.text === this.peer.identity;
    if (!secure.authorized || secure.alpnProtocol !== 'h2' || !isExpected || certificate === undefined) {
      this.#close('peer-identity');
      return;
    }
    const life = new TunnelLife([this.#certificateEndMs, certificate.validToDate.getTime()], clientMargin, Date.now());
    this.#life = life;
    const reading = new ReadPause(secure);
    const output = new TlsOutput(secure, this.#context.flusher, reading);
    const http2 = new Http2Connection({
      role: 'client',
      settings: tunnelHttp2Settings,
      limits: defaultHttp2Limits,
      handlers: this,
      output,
      nowMs: () => performance.now(),
    });
    output.connection = http2;
    this.#output = output;
    this.#http2 = http2;
    this.state = 'open';
    const nowMs = performance.now();
    this.deadlineMs = nowMs + Math.min(watchMs, life.nextInMs(Date.now()));
    const silence = new Silence(clientPatience, nowMs);
    this.#silence = silence;
    this.#idleSinceMs = nowMs;
    const input = new TunnelInput(this.#context.input, reading, (chunk) => http2.receive(chunk));
    this.#input = input;
    secure.on('data', (chunk: Buffer) => {
      silence.heard(this.#context.ticker.nowMs);
      input.take(chunk);
    });
    secure.on('end', () => {
      input.flush();
      this.#close('tunnel-closed');
    });
    http2.start();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { channel, destination } of waiting) this.#begin(channel, destination);
  }

  /** The watchdog, at least each {@link watchMs}: dead peers, idle connections, certificates that end. */
  onDeadline(): void {
    if (this.state === 'connecting') {
      this.#close('connect-timeout');
      return;
    }
    if (this.state === 'closed') return;
    const { nowMs } = this.#context.ticker;
    const dateMs = Date.now();
    const phase = this.#life?.phase(dateMs);
    if (phase === 'over') return this.#close('tunnel-closed');
    this.deadlineMs = nowMs + Math.min(watchMs, this.#life?.nextInMs(dateMs) ?? watchMs);
    const server = this.#silence?.judge(nowMs);
    if (server === 'gone') return this.#close('tunnel-closed');
    if (this.streams > 0) this.#idleSinceMs = nowMs;
    else if (nowMs - this.#idleSinceMs > idleTimeoutMs) return this.#close(undefined);
    if (phase === 'retiring') this.drain();
    if (server === 'ask') this.#http2?.ping(emptyPing);
  }

  onHeaders(stream: Http2Stream, headers: Http2Headers): void {
    const channel = stream.user as StreamChannel;
    const { status } = headers;
    if (status < 200) return;
    if (status === 200) {
      channel.opened();
      return;
    }
    channel.closed(status === 401 || status === 403 ? 'policy-denied' : unreachableBy(headers));
    stream.reset(http2ErrorCode.cancel);
  }

  onTrailers(): void {}

  onData(stream: Http2Stream, chunk: Buffer, start: number, end: number): void {
    if (this.#input !== undefined) this.#input.frames += 1;
    (stream.user as StreamChannel).received(chunk, start, end);
  }

  onEnd(stream: Http2Stream): void {
    (stream.user as StreamChannel).receivedEnd();
  }

  onReset(stream: Http2Stream, errorCode: number): void {
    const lost = stream.resetBy === 'connection' || errorCode === http2ErrorCode.refusedStream;
    (stream.user as StreamChannel).closed(lost ? 'tunnel-closed' : 'reset');
  }

  onStreamClosed(stream: Http2Stream): void {
    (stream.user as StreamChannel).closed(undefined);
    this.streams -= 1;
    if (this.streams > 0) return;
    this.#idleSinceMs = this.#context.ticker.nowMs;
    if (this.state === 'draining') this.#close(undefined);
  }

  onWritable(stream: Http2Stream): void {
    (stream.user as StreamChannel).writable();
  }

  onGoaway(): void {
    if (this.state === 'open') this.drain();
  }

  onRemoteSettings(): void {}

  onPingAck(): void {}

  onConnectionError(): void {
    this.#close('tunnel-closed');
  }

  #close(failure: ChannelFailure | undefined): void {
    if (this.state === 'closed') return;
    this.state = 'closed';
    clearTimeout(this.#retryTimer);
    this.#context.ticker.remove(this);
    if (failure === undefined) this.#http2?.goaway();
    this.#input?.close();
    this.#output?.flush();
    if (failure === undefined && this.#secure !== undefined) this.#secure.destroySoon();
    else this.#secure?.destroy();
    if (this.#secure === undefined) this.#raw?.destroy();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { channel } of waiting) channel.closed(failure ?? 'tunnel-closed');
    this.#http2?.destroy();
    this.#onClosed(this);
  }
}

/** Why the application could not be reached: an agent of ours says when it did not answer. */
function unreachableBy(headers: Http2Headers): ChannelFailure {
  const { buffer, ranges } = headers;
  const at = findHeader(headers, unansweredField.name) * 4;
  if (at < 0) return 'connect-refused';
  const isUnanswered = equalsBytes(buffer, ranges[at + 2] as number, ranges[at + 3] as number, unansweredField.value);
  return isUnanswered ? 'connect-timeout' : 'connect-refused';
}
