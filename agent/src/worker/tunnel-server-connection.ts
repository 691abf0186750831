import type { TLSSocket } from 'node:tls';
import type { SpiffeId } from '@tulle/identity/peer';
import { podPorts } from '@tulle/linux';
import type { Http2Handlers, Http2Headers, Http2Stream } from '@tulle/wire';
import {
  defaultHttp2Limits,
  encodeHeaderList,
  Http2Connection,
  http2ErrorCode,
  StreamIndex,
  tunnelHttp2Settings,
} from '@tulle/wire';
import { plainAddress } from './addresses.ts';
import type { Destination } from './addresses.ts';
import type { ByteChannel, ChannelFailure, ChannelOwner } from './channel.ts';
import type { PodGuard } from './pod-guard.ts';
import { ReadPause } from './read-pause.ts';
import { serverPatience, Silence } from './silence.ts';
import { Splice } from './splice.ts';
import { StreamChannel } from './stream-channel.ts';
import type { Ticker } from './tick.ts';
import { TlsOutput } from './tls-output.ts';
import { unansweredField } from './tunnel-headers.ts';
import { TunnelInput } from './tunnel-input.ts';
import type { InputTurns } from './tunnel-input.ts';
import type { TunnelLife } from './tunnel-life.ts';
import type { TurnFlusher } from './turn-flusher.ts';

/** What a tunnel server needs of its pod. */
export interface TunnelServerContext {
  readonly input: InputTurns;
  readonly flusher: TurnFlusher;
  readonly ticker: Ticker;
  /** Whether the roots of the identity's own trust domain vouch for it: all others are strangers. */
  trusts(peer: TLSSocket, identity: SpiffeId): boolean;
  /** Connects to the pod's application as the client at `source`. */
  connectApplication(to: Destination, source: string, owner: ChannelOwner): ByteChannel;
  /** Who may connect: policy is at the destination. */
  readonly guard: Pick<PodGuard, 'allows' | 'admit'>;
  /** Counts what happened, by a closed list of names. */
  count(event: 'hbone_accepted' | 'hbone_refused' | 'hbone_handshake_failed' | 'hbone_connect_failed'): void;
}

const idleTimeoutMs = 600_000;
/** So long a client that was told to open nothing more has to close a tunnel without streams. */
const drainTimeoutMs = 5_000;
/** How often a tunnel is looked after. */
const watchMs = 10_000;
const emptyPing = Buffer.alloc(8);
const reservedPorts: ReadonlySet<number> = new Set(Object.values(podPorts));

const answers = {
  accepted: encodeHeaderList([[':status', '200']]),
  badRequest: encodeHeaderList([[':status', '400']]),
  denied: encodeHeaderList([[':status', '401']]),
  unreachable: encodeHeaderList([[':status', '503']]),
  unanswered: encodeHeaderList([
    [':status', '503'],
    [unansweredField.name.toString(), unansweredField.value.toString()],
  ]),
} as const;

/** How the guard is told that a stream has ended. */
interface TunnelAdmission {
  readonly id: number;
  readonly forget: () => void;
}

/** One HBONE connection into the pod, whose client's identity is known. */
export class TunnelServerConnection implements Http2Handlers {
  deadlineMs = Number.POSITIVE_INFINITY;
  readonly #context: TunnelServerContext;
  readonly #secure: TLSSocket;
  readonly identity: string;
  readonly source: string;
  /** The pod's own, which the client has connected to. */
  readonly #address: string;
  readonly #http2: Http2Connection;
  readonly #output: TlsOutput;
  readonly #input: TunnelInput;
  readonly #life: TunnelLife;
  readonly #onClosed: () => void;
  readonly #admissions = new StreamIndex<TunnelAdmission>();
  readonly #silence: Silence;
  /** Since when there is no stream, where there is none. */
  #emptySinceMs: number;
  #closed = false;

  constructor(
    context: TunnelServerContext,
    secure: TLSSocket,
    { identity, life }: { readonly identity: string; readonly life: TunnelLife },
    onClosed: () => void,
  ) {
    this.#context = context;
    this.#secure = secure;
    this.identity = identity;
    this.#life = life;
    this.source = plainAddress(secure.remoteAddress ?? '');
    this.#address = plainAddress(secure.localAddress ?? '');
    this.#onClosed = onClosed;
    const reading = new ReadPause(secure);
    this.#output = new TlsOutput(secure, context.flusher, reading);
    this.#http2 = new Http2Connection({
      role: 'server',
      settings: tunnelHttp2Settings,
      limits: defaultHttp2Limits,
      handlers: this,
      output: this.#output,
      nowMs: () => performance.now(),
    });
    this.#output.connection = this.#http2;
    this.#input = new TunnelInput(context.input, reading, (chunk) => this.#http2.receive(chunk));
    const { ticker } = context;
    this.#emptySinceMs = ticker.nowMs;
    this.#silence = new Silence(serverPatience, ticker.nowMs);
    secure.on('data', (chunk: Buffer) => {
      this.#silence.heard(ticker.nowMs);
      this.#input.take(chunk);
    });
    secure.on('end', this.#onEnd);
    secure.on('close', this.#onEnd);
    this.#watch();
    ticker.add(this);
    this.#http2.start();
  }

  get streams(): number {
    return this.#http2.streamCount;
  }

  drain(): void {
    this.#http2.shutdownGracefully();
    if (this.#http2.isDrained) this.onDrained();
    this.#watch();
  }

  onDrained(): void {
    if (this.#closed) return;
    this.#output.flush();
    this.#secure.destroySoon();
  }

  readonly #onEnd = (): void => {
    this.#input.flush();
    this.destroy();
  };

  destroy(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#input.close();
    for (const { forget } of this.#admissions.values()) forget();
    this.#context.ticker.remove(this);
    this.#http2.destroy();
    this.#secure.destroy();
    this.#onClosed();
  }

  /**
   * It is idle, its client is gone without a word, or a certificate is about to end: a client that opens streams all the
   * same loses them at that end.
   */
  onDeadline(): void {
    const { nowMs } = this.#context.ticker;
    const phase = this.#life.phase(Date.now());
    const client = this.#silence.judge(nowMs);
    const emptyMs = this.#http2.streamCount === 0 ? nowMs - this.#emptySinceMs : 0;
    const isStuck = this.#http2.isDraining && emptyMs >= drainTimeoutMs;
    if (phase === 'over' || client === 'gone' || isStuck) {
      this.destroy();
      return;
    }
    if (client === 'ask') this.#http2.ping(emptyPing);
    if (phase === 'retiring' || emptyMs >= idleTimeoutMs) this.drain();
    this.#watch();
  }

  #watch(): void {
    const isEnding = this.#http2.isDraining && this.#http2.streamCount === 0;
    const nextMs = Math.min(isEnding ? drainTimeoutMs : watchMs, this.#life.nextInMs(Date.now()));
    this.deadlineMs = this.#context.ticker.nowMs + nextMs;
  }

  onHeaders(stream: Http2Stream, headers: Http2Headers): void {
    this.#input.frames += 1;
    const destination =
      headers.isConnect && headers.protocol < 0 ? parseAuthority(headers.valueText(headers.authority)) : undefined;
    const asksForThisPod =
      destination !== undefined && destination.address === this.#address && !reservedPorts.has(destination.port);
    if (destination === undefined || !asksForThisPod) {
      this.#refuse(stream, answers.badRequest);
      return;
    }
    const caller = { identity: this.identity, address: this.source, port: destination.port };
    if (!this.#context.guard.allows(caller)) {
      this.#refuse(stream, answers.denied);
      return;
    }
    const tunnel = new StreamChannel(new PendingTunnel(stream, this.#context));
    tunnel.attach(stream);
    const pending = tunnel.owner as PendingTunnel;
    pending.application = this.#context.connectApplication(destination, this.source, pending);
    pending.tunnel = tunnel;
    const forget = this.#context.guard.admit({ ...caller, revoke: () => this.#revoke(stream) });
    this.#admissions.add({ id: stream.id, forget });
  }

  /** Policy no longer allows what it did: the stream is broken, or refused if it has not been answered yet. */
  #revoke(stream: Http2Stream): void {
    const channel = stream.user as StreamChannel | undefined;
    const isPending = channel?.owner instanceof PendingTunnel;
    channel?.closed('policy-denied');
    stream.user = undefined;
    if (isPending) stream.sendHeaders(answers.denied, true);
    stream.reset(isPending ? http2ErrorCode.noError : http2ErrorCode.cancel);
  }

  #refuse(stream: Http2Stream, answer: Buffer): void {
    this.#context.count('hbone_refused');
    stream.user = undefined;
    stream.sendHeaders(answer, true);
  }

  onTrailers(stream: Http2Stream): void {
    (stream.user as StreamChannel | undefined)?.receivedEnd();
  }

  onData(stream: Http2Stream, chunk: Buffer, start: number, end: number): void {
    this.#input.frames += 1;
    const channel = stream.user as StreamChannel | undefined;
    if (channel === undefined) stream.consumed(end - start);
    else channel.received(chunk, start, end);
  }

  onEnd(stream: Http2Stream): void {
    (stream.user as StreamChannel | undefined)?.receivedEnd();
  }

  onReset(stream: Http2Stream): void {
    (stream.user as StreamChannel | undefined)?.closed('reset');
  }

  onStreamClosed(stream: Http2Stream): void {
    (stream.user as StreamChannel | undefined)?.closed(undefined);
    this.#admissions.get(stream.id)?.forget();
    this.#admissions.delete(stream.id);
    this.#emptySinceMs = this.#context.ticker.nowMs;
    const { deadlineMs } = this;
    this.#watch();
    // Only sooner: streams that end all the time do not put off what the certificate's end asks for.
    if (deadlineMs < this.deadlineMs) this.deadlineMs = deadlineMs;
  }

  onWritable(stream: Http2Stream): void {
    (stream.user as StreamChannel | undefined)?.writable();
  }

  onGoaway(): void {}
  onRemoteSettings(): void {}
  onPingAck(): void {}

  onConnectionError(): void {
    this.#output.flush();
    this.#secure.destroySoon();
  }
}

/**
 * A tunnel whose application is being connected: 200 is answered only when it has accepted. Bytes that come before are
 * kept; the client of an honest agent sends none.
 */
class PendingTunnel implements ChannelOwner {
  application: ByteChannel | undefined;
  tunnel: StreamChannel | undefined;
  readonly #stream: Http2Stream;
  readonly #context: TunnelServerContext;
  #ended = false;

  constructor(stream: Http2Stream, context: TunnelServerContext) {
    this.#stream = stream;
    this.#context = context;
  }

  onOpen(channel: ByteChannel): void {
    const { application, tunnel } = this;
    if (channel !== application || tunnel === undefined) return;
    this.#context.count('hbone_accepted');
    this.#stream.sendHeaders(answers.accepted, false);
    new Splice(tunnel, application, () => {});
    if (this.#ended) application.end();
    tunnel.opened();
  }

  onData(channel: ByteChannel, chunk: Buffer, start: number, end: number): void {
    if (channel === this.tunnel && this.application?.write(chunk, start, end) === false) channel.pause();
  }

  onEnd(channel: ByteChannel): void {
    if (channel === this.tunnel) this.#ended = true;
  }

  onWritable(): void {}

  onClosed(channel: ByteChannel, failure: ChannelFailure | undefined): void {
    if (channel === this.tunnel) {
      this.application?.reset();
      return;
    }
    this.#context.count('hbone_connect_failed');
    this.#stream.user = undefined;
    this.#stream.sendHeaders(answerTo(failure), true);
    // The client may still be sending what nobody will read.
    this.#stream.reset(http2ErrorCode.noError);
  }
}

/** What a client is told whose application could not be reached. */
function answerTo(failure: ChannelFailure | undefined): Buffer {
  if (failure === undefined) return answers.badRequest;
  return failure === 'connect-timeout' ? answers.unanswered : answers.unreachable;
}

/** `address:port` or `[address]:port`; undefined for anything else. */
function parseAuthority(authority: string): Destination | undefined {
  const colon = authority.lastIndexOf(':');
  const port = Number(authority.slice(colon + 1));
  if (colon < 1 || !/^\d{1,5}$/.test(authority.slice(colon + 1)) || port < 1 || port > 65_535) return undefined;
  const host = authority.slice(0, colon);
  const address = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
  return { address, port };
}
