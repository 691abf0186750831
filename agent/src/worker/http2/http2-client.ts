import type { Http2Handlers, Http2Headers, Http2Stream } from '@tulle/wire';
import {
  applicationHttp2Settings,
  defaultHttp2Limits,
  Http2Connection,
  http2ErrorCode,
  Http2RequestHead,
} from '@tulle/wire';
import type { ByteChannel, ChannelFailure, ChannelOwner } from '../channel.ts';
import type { ServicePortView } from '../mesh-view.ts';
import type { Pod, PodConnection } from '../pod.ts';
import type { Deadline } from '../tick.ts';
import { ChannelOutput } from './channel-output.ts';
import { Http2ClientStream } from './http2-client-stream.ts';
import type { ClientStreamUser } from './http2-client-stream.ts';

/** From the connection's beginning to the client's preface and SETTINGS. */
const prefaceTimeoutMs = 10_000;
/** A connection without streams. */
const idleTimeoutMs = 600_000;

/** One HTTP/2 connection (prior knowledge) of the pod's application to a Service: each request is routed by itself. */
export class Http2Client implements ChannelOwner, Http2Handlers, PodConnection, Deadline {
  deadlineMs: number;
  readonly #pod: Pod;
  readonly #channel: ByteChannel;
  readonly #frontend: ServicePortView;
  readonly #http2: Http2Connection;
  readonly #output: ChannelOutput;
  #head: Http2RequestHead | undefined;
  #closed = false;

  constructor(pod: Pod, channel: ByteChannel, frontend: ServicePortView) {
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
    this.deadlineMs = pod.context.ticker.nowMs + prefaceTimeoutMs;
    pod.context.ticker.add(this);
    pod.connections.add(this);
    this.#http2.start();
  }

  drain(): void {
    this.#http2.shutdownGracefully();
    if (this.#http2.isDrained) this.onDrained();
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
    if (this.#http2.streamCount > 0) return;
    if (!this.#http2.remoteSettingsReceived) this.#http2.fail(http2ErrorCode.settingsTimeout, 'no SETTINGS came');
    else this.drain();
  }

  onData(from: ByteChannel | Http2Stream, chunk: Buffer, start: number, end: number): void {
    if (from === this.#channel) {
      this.#http2.receive(chunk, start, end);
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
    if (this.#http2.streamCount === 0) this.onDrained();
    else this.#http2.goaway();
  }

  onWritable(from: ByteChannel | Http2Stream): void {
    if (from === this.#channel) {
      this.#output.drained();
      this.#channel.resume();
    } else ((from as Http2Stream).user as ClientStreamUser).onClientWritable();
  }

  onHeaders(stream: Http2Stream, headers: Http2Headers, endStream: boolean): void {
    this.deadlineMs = Number.POSITIVE_INFINITY;
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
    if (this.#http2.streamCount === 0) this.deadlineMs = this.#pod.context.ticker.nowMs + idleTimeoutMs;
  }

  onDrained(): void {
    if (this.#closed) return;
    this.#output.flush();
    this.#leave();
    this.#channel.end();
  }

  onGoaway(): void {}
  onRemoteSettings(): void {}
  onPingAck(): void {}

  onConnectionError(): void {
    this.#output.flush();
    this.#leave();
    this.#channel.end();
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
