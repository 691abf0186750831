import type { Http2Handlers, Http2Headers, Http2Stream } from '@tulle/wire';
import {
  applicationHttp2Settings,
  defaultHttp2Limits,
  Http2Connection,
  http2ErrorCode,
  Http2RequestHead,
} from '@tulle/wire';
import type { ByteChannel, ChannelFailure, ChannelOwner, ClientChannel } from '../channel.ts';
import { LastWords } from '../last-words.ts';
import type { ServicePortView } from '../mesh-view.ts';
import type { Pod } from '../pod.ts';
import type { PodConnection } from '../pod-connections.ts';
import type { Deadline } from '../tick.ts';
import { EndedClient } from '../http/ended-client.ts';
import { ChannelOutput } from './channel-output.ts';
import { Http2ClientStream } from './http2-client-stream.ts';
import type { ClientStreamUser } from './http2-client-stream.ts';

/** From the connection's beginning to the client's preface and SETTINGS. */
const prefaceTimeoutMs = 10_000;
/** A connection without streams. */
const idleTimeoutMs = 600_000;
/** From a header block's first frame to its last. */
const headerTimeoutMs = 10_000;
/** From our GOAWAY to its acknowledgement, where nothing is under way. */
const drainTimeoutMs = 10_000;
/** How often a client is looked at that has ended its half. */
const endedWatchMs = 2_500;
/** So long responses to it may say nothing: then it has gone. */
const endedSilenceMs = 15_000;
const never = Number.POSITIVE_INFINITY;

/** One HTTP/2 connection (prior knowledge) of the pod's application to a Service: each request is routed by itself. */
export class Http2Client implements ChannelOwner, Http2Handlers, PodConnection, Deadline {
  tickerSlot = -1;
  podSlot = -1;
  deadlineMs: number;
  readonly #pod: Pod;
  readonly #channel: ClientChannel;
  readonly #frontend: ServicePortView;
  readonly #http2: Http2Connection;
  readonly #output: ChannelOutput;
  #head: Http2RequestHead | undefined;
  #closed = false;
  /** When the connection has had no stream for too long, and when a header block has been open for too long. */
  #idleDeadlineMs: number;
  #blockDeadlineMs = never;
  #blockStream = 0;
  #ended: EndedClient | undefined;

  constructor(pod: Pod, channel: ClientChannel, frontend: ServicePortView) {
    this.#pod = pod;
    this.#channel = channel;
    this.#frontend = frontend;
    this.#output = new ChannelOutput(channel, pod.context.flusher);
    this.#http2 = new Http2Connection({
      role: 'server',
      settings: applicationHttp2Settings,
      limits: defaultHttp2Limits,
      handlers: this,
      output: this.#output,
      nowMs: () => performance.now(),
    });
    this.#output.connection = this.#http2;
    channel.owner = this;
    this.#idleDeadlineMs = pod.context.ticker.nowMs + prefaceTimeoutMs;
    this.deadlineMs = this.#idleDeadlineMs;
    pod.context.ticker.add(this);
    pod.connections.add(this);
    this.#http2.start();
  }

  drain(): void {
    this.#http2.shutdownGracefully();
    if (this.#http2.isDrained) this.onDrained();
    else if (this.#http2.streamCount === 0) this.#beginIdle();
  }

  destroy(): void {
    this.#leave();
    this.#http2.destroy();
    this.#channel.reset();
  }

  onOpen(): void {}

  onClosed(_channel: ByteChannel, _failure: ChannelFailure | undefined): void {
    this.#leave();
    this.#http2.destroy();
  }

  onDeadline(): void {
    const http2 = this.#http2;
    const { nowMs } = this.#pod.context.ticker;
    if (this.#ended !== undefined) this.#watchEnded(this.#ended, nowMs);
    else if (!http2.remoteSettingsReceived) http2.fail(http2ErrorCode.settingsTimeout, 'no SETTINGS came');
    else if (nowMs >= this.#blockDeadlineMs) {
      http2.fail(http2ErrorCode.enhanceYourCalm, 'a header block did not come to its end');
    } else if (nowMs < this.#idleDeadlineMs) this.#arm();
    else if (http2.isDraining) this.#end();
    else this.drain();
  }

  #arm(): void {
    this.deadlineMs = Math.min(this.#idleDeadlineMs, this.#blockDeadlineMs);
  }

  /** The connection has no stream, from now on. */
  #beginIdle(): void {
    const timeoutMs = this.#http2.isDraining ? drainTimeoutMs : idleTimeoutMs;
    this.#idleDeadlineMs = this.#pod.context.ticker.nowMs + timeoutMs;
    this.#arm();
  }

  /** A block that was begun must come to its end, whatever else goes on. */
  #watchBlock(): void {
    const stream = this.#http2.openHeaderBlock;
    if (stream === this.#blockStream) return;
    this.#blockStream = stream;
    this.#blockDeadlineMs = stream === 0 ? never : this.#pod.context.ticker.nowMs + headerTimeoutMs;
    this.#arm();
  }

  onData(from: ByteChannel | Http2Stream, chunk: Buffer, start: number, end: number): void {
    if (from === this.#channel) {
      this.#http2.receive(chunk, start, end);
      this.#watchBlock();
      // A client that does not read its answers is read no further itself.
      if (this.#output.overfull) this.#channel.pause();
      return;
    }
    const stream = from as Http2Stream;
    (stream.user as ClientStreamUser).onRequestData(chunk, start, end);
  }

  onEnd(from: ByteChannel | Http2Stream): void {
    if (from !== this.#channel) {
      ((from as Http2Stream).user as ClientStreamUser).onRequestEnd();
      return;
    }
    // Responses under way still go out; nothing new can come.
    if (this.#http2.streamCount === 0) {
      this.onDrained();
      return;
    }
    this.#http2.goaway();
    const { nowMs } = this.#pod.context.ticker;
    this.#ended = new EndedClient(this.#channel, endedSilenceMs);
    this.#watchEnded(this.#ended, nowMs);
  }

  #watchEnded(ended: EndedClient, nowMs: number): void {
    if (ended.hasGone(nowMs)) {
      this.destroy();
      return;
    }
    this.#idleDeadlineMs = nowMs + endedWatchMs;
    this.deadlineMs = this.#idleDeadlineMs;
  }

  onWritable(from: ByteChannel | Http2Stream): void {
    if (from === this.#channel) {
      this.#output.drained();
      this.#channel.resume();
    } else ((from as Http2Stream).user as ClientStreamUser).onClientWritable();
  }

  onHeaders(stream: Http2Stream, headers: Http2Headers, endStream: boolean): void {
    if (this.#idleDeadlineMs !== never) {
      this.#idleDeadlineMs = never;
      this.#arm();
    }
    if (this.#head === undefined) this.#head = new Http2RequestHead(headers);
    else this.#head.read(headers);
    // Answers made at once may end the stream before its owner is there to be told.
    stream.user = nobody;
    if (headers.isConnect && headers.protocol < 0) {
      // Applications do not tunnel through the mesh.
      stream.reset(http2ErrorCode.refusedStream);
      return;
    }
    const request = new Http2ClientStream(this.#pod, this.#frontend, { stream, head: this.#head, ended: endStream });
    stream.user = request;
    request.begin();
  }

  onTrailers(stream: Http2Stream, headers: Http2Headers): void {
    (stream.user as ClientStreamUser).onRequestTrailers(headers);
  }

  onReset(stream: Http2Stream, errorCode: number): void {
    (stream.user as ClientStreamUser).onClientReset(errorCode);
  }

  onStreamClosed(stream: Http2Stream): void {
    if (stream.resetBy === undefined) (stream.user as ClientStreamUser).onClientClosed();
    if (this.#http2.streamCount === 0) this.#beginIdle();
  }

  onDrained(): void {
    this.#end();
  }

  onGoaway(): void {}
  onRemoteSettings(): void {
    if (this.#http2.streamCount === 0) this.#beginIdle();
  }

  onPingAck(): void {}

  onConnectionError(): void {
    this.#end();
  }

  /** Nothing more will be written than what is gathered. */
  #end(): void {
    if (this.#closed) return;
    this.#output.flush();
    this.#leave();
    new LastWords(this.#pod, this.#channel);
  }

  #leave(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#output.closed = true;
    this.#pod.context.ticker.remove(this);
    this.#pod.connections.delete(this);
  }
}

/** Stands in for the owner of a stream that was refused before it had one. */
const nobody: ClientStreamUser = {
  onRequestData: () => {},
  onRequestEnd: () => {},
  onRequestTrailers: () => {},
  onClientReset: () => {},
  onClientWritable: () => {},
  onClientClosed: () => {},
};
