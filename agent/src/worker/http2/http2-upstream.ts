import type { Http2Handlers, Http2Headers, Http2Stream, RequestKind } from '@tulle/wire';
import { applicationHttp2Settings, defaultHttp2Limits, Http2Connection, http2ErrorCode } from '@tulle/wire';
import type { ByteChannel, ChannelFailure, ChannelOwner } from '../channel.ts';
import type { Deadline } from '../tick.ts';
import type { WorkerContext } from '../worker-context.ts';
import { ChannelOutput } from './channel-output.ts';

/** Why an upstream failed; `no-extended-connect`: the server does not offer it (RFC 8441). */
export type UpstreamFailure = ChannelFailure | 'no-extended-connect';

/** Who sent a request on an upstream and waits for its response. */
export interface Http2Receiver {
  /** The stream is open: the request's body may be sent on it. */
  onUpstreamStream(stream: Http2Stream): void;
  onResponseHead(headers: Http2Headers, endStream: boolean): void;
  onResponseData(stream: Http2Stream, chunk: Buffer, start: number, end: number): void;
  onResponseTrailers(headers: Http2Headers): void;
  onResponseEnd(): void;
  onUpstreamWritable(): void;
  /** `unprocessed`: the server has not acted on the request. Called once, and nothing after it. */
  onUpstreamFailed(
    failure: UpstreamFailure,
    detail: { readonly errorCode: number; readonly unprocessed: boolean },
  ): void;
  /** Both sides have ended; for those that carry on after the response. */
  onUpstreamClosed?(): void;
}

/** A request that waits for its connection, or for room on it. */
interface WaitingRequest {
  readonly head: Buffer;
  readonly endStream: boolean;
  readonly kind: RequestKind;
  /** Whether it is an extended CONNECT, which a server takes only where it says so. */
  readonly extendedConnect: boolean;
  readonly receiver: Http2Receiver;
}

const idleTimeoutMs = 60_000;
/** From the connection's beginning to the server's SETTINGS. */
const settingsTimeoutMs = 10_000;
/** So many requests wait for a connection whose server's limit is not known yet. */
const usualStreams = 100;

/** An HTTP/2 connection (prior knowledge) to an application, shared by the requests of one pod to one endpoint. */
export class Http2Upstream implements ChannelOwner, Http2Handlers, Deadline {
  deadlineMs = Number.POSITIVE_INFINITY;
  readonly path: string;
  readonly #context: WorkerContext;
  readonly #forget: (upstream: Http2Upstream) => void;
  readonly #http2: Http2Connection;
  readonly #output: ChannelOutput;
  readonly #channel: ByteChannel;
  #waiting: WaitingRequest[] = [];
  #closed = false;
  #draining = false;
  /** Whether the server's SETTINGS came. Before, nobody knows how many requests it takes at once. */
  #ready = false;
  readonly #expectedStreams: number;

  /** `path` names the way that `connect` takes to the endpoint; `streamLimit` is what the server said before. */
  constructor(
    {
      context,
      path,
      streamLimit,
    }: { readonly context: WorkerContext; readonly path: string; readonly streamLimit: number | undefined },
    connect: (owner: ChannelOwner) => ByteChannel,
    forget: (upstream: Http2Upstream) => void,
  ) {
    this.#context = context;
    this.path = path;
    this.#expectedStreams = Math.min(streamLimit ?? usualStreams, usualStreams);
    this.#forget = forget;
    this.#channel = connect(this);
    this.#output = new ChannelOutput(this.#channel, context.flusher);
    this.#http2 = new Http2Connection({
      role: 'client',
      settings: applicationHttp2Settings,
      limits: defaultHttp2Limits,
      handlers: this,
      output: this.#output,
      nowMs: () => performance.now(),
    });
    this.#output.connection = this.#http2;
    context.ticker.add(this);
  }

  /** Whether a request may be sent here, now or as soon as there is a connection. */
  get hasRoom(): boolean {
    if (this.#closed || this.#draining) return false;
    return this.#ready ? this.#http2.canOpenStream : this.#waiting.length < this.#expectedStreams;
  }

  /** How many requests the server takes at once, once it has said so. */
  get streamLimit(): number | undefined {
    return this.#ready ? this.#http2.remoteSettings.maxConcurrentStreams : undefined;
  }

  /** Whether streams that are not read keep the others from getting on. */
  get isBlocked(): boolean {
    return this.#http2.isWindowClosed;
  }

  /** Whether what carries the connection wants to end. */
  get retiring(): boolean {
    return this.#channel.retiring;
  }

  /** Takes no new requests and ends with the last one. */
  drain(): void {
    if (this.#closed || this.#draining) return;
    this.#draining = true;
    if (this.#ready && this.#http2.streamCount === 0) this.onDeadline();
  }

  /** Sends a request; the receiver gets its stream at once or when the connection is there. `head` is copied. */
  send(request: WaitingRequest): void {
    if (!this.#ready) {
      this.#waiting.push({ ...request, head: Buffer.from(request.head) });
      return;
    }
    this.#begin(request);
  }

  /** Takes back a request that still waits. */
  withdraw(receiver: Http2Receiver): void {
    this.#waiting = this.#waiting.filter((waiting) => waiting.receiver !== receiver);
  }

  destroy(): void {
    this.#close('tunnel-closed');
    this.#channel.reset();
  }

  #begin({ head, endStream, kind, extendedConnect, receiver }: WaitingRequest): void {
    if (extendedConnect && !this.#http2.remoteSettings.enableConnectProtocol) {
      receiver.onUpstreamFailed('no-extended-connect', { errorCode: http2ErrorCode.noError, unprocessed: true });
      if (this.#http2.streamCount === 0) this.onStreamClosed();
      return;
    }
    const stream = this.#http2.openStream(head, endStream, kind);
    if (stream === undefined) {
      receiver.onUpstreamFailed('tunnel-closed', { errorCode: http2ErrorCode.refusedStream, unprocessed: true });
      return;
    }
    this.deadlineMs = Number.POSITIVE_INFINITY;
    stream.user = receiver;
    receiver.onUpstreamStream(stream);
  }

  onOpen(): void {
    this.deadlineMs = this.#context.ticker.nowMs + settingsTimeoutMs;
    this.#http2.start();
  }

  onRemoteSettings(): void {
    if (this.#ready) return;
    this.#ready = true;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const request of waiting) this.#begin(request);
    if (waiting.length === 0) this.onStreamClosed();
  }

  // The channel's side.

  onClosed(_channel: ByteChannel, failure: ChannelFailure | undefined): void {
    this.#close(failure ?? 'reset');
  }

  /** It idled too long. */
  onDeadline(): void {
    this.#draining = true;
    this.#http2.goaway();
    this.#output.flush();
    this.#channel.end();
    this.#close('tunnel-closed');
  }

  #close(failure: ChannelFailure): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#output.closed = true;
    this.#context.ticker.remove(this);
    this.#forget(this);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { receiver } of waiting) {
      receiver.onUpstreamFailed(failure, { errorCode: http2ErrorCode.connectError, unprocessed: true });
    }
    this.#http2.destroy();
  }

  /** The same name in both roles: bytes of the channel, or of a stream. */
  onData(from: ByteChannel | Http2Stream, chunk: Buffer, start: number, end: number): void {
    if (from === this.#channel) {
      this.#http2.receive(chunk, start, end);
      return;
    }
    const stream = from as Http2Stream;
    (stream.user as Http2Receiver).onResponseData(stream, chunk, start, end);
  }

  onEnd(from: ByteChannel | Http2Stream): void {
    if (from === this.#channel) {
      this.#channel.end();
      this.#close('reset');
      return;
    }
    ((from as Http2Stream).user as Http2Receiver).onResponseEnd();
  }

  onWritable(from: ByteChannel | Http2Stream): void {
    if (from === this.#channel) this.#output.drained();
    else ((from as Http2Stream).user as Http2Receiver).onUpstreamWritable();
  }

  // The codec's side.

  onHeaders(stream: Http2Stream, headers: Http2Headers, endStream: boolean): void {
    (stream.user as Http2Receiver).onResponseHead(headers, endStream);
  }

  onTrailers(stream: Http2Stream, headers: Http2Headers): void {
    (stream.user as Http2Receiver).onResponseTrailers(headers);
  }

  onReset(stream: Http2Stream, errorCode: number): void {
    const unprocessed = errorCode === http2ErrorCode.refusedStream;
    const failure: ChannelFailure = stream.resetBy === 'connection' ? 'tunnel-closed' : 'reset';
    (stream.user as Http2Receiver).onUpstreamFailed(failure, { errorCode, unprocessed });
  }

  onStreamClosed(stream?: Http2Stream): void {
    if (stream !== undefined && stream.resetBy === undefined) (stream.user as Http2Receiver).onUpstreamClosed?.();
    if (this.#http2.streamCount > 0) return;
    if (this.#draining) this.onDeadline();
    else this.deadlineMs = this.#context.ticker.nowMs + idleTimeoutMs;
  }

  onGoaway(): void {
    this.#draining = true;
    this.#forget(this);
  }

  onDrained(): void {
    if (this.#closed) return;
    this.#output.flush();
    this.#channel.end();
    this.#close('tunnel-closed');
  }

  onPingAck(): void {}

  onConnectionError(): void {
    this.#output.flush();
    this.#channel.end();
    this.#close('reset');
  }
}
