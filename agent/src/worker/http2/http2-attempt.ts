import type { HeaderBlock } from '@tulle/core';
import type { BalancedEndpoint } from '@tulle/routing';
import type { Http2Headers, Http2Stream } from '@tulle/wire';
import { http2ErrorCode } from '@tulle/wire';
import type { ByteChannel, ChannelFailure } from '../channel.ts';
import { nobody } from '../channel.ts';
import { connectFailureOf } from '../http/server-failures.ts';
import type { OutgoingRequest, ServerFailure, ServerReceiver, ServerSide } from '../http/sides.ts';
import type { Pod } from '../pod.ts';
import { StreamChannel } from '../stream-channel.ts';
import type { Http2Receiver, Http2Upstream, UpstreamFailure } from './http2-upstream.ts';

/** So often a request may find that those before it have filled the connection that it waited for. */
const maxCrowdedOut = 16;

/** One request on an HTTP/2 connection to an endpoint: it waits for a connection with room, and then has a stream. */
export class Http2Attempt implements ServerSide, Http2Receiver {
  readonly version = 2;
  readonly #pod: Pod;
  readonly #endpoint: BalancedEndpoint;
  #connection: Http2Upstream | undefined;
  #receiver: ServerReceiver | undefined;
  #request: OutgoingRequest | undefined;
  #stream: Http2Stream | undefined;
  #crowdedOut = 0;
  #paused = false;
  #unreturnedBytes = 0;
  #responded = false;

  /** Throws where no connection can be made. */
  constructor(pod: Pod, endpoint: BalancedEndpoint) {
    this.#pod = pod;
    this.#endpoint = endpoint;
    this.#connection = pod.takeHttp2Upstream(endpoint);
  }

  get opened(): boolean {
    return this.#stream !== undefined;
  }

  begin(receiver: ServerReceiver, request: OutgoingRequest): void {
    this.#receiver = receiver;
    this.#request = request;
    this.#send();
  }

  #send(): void {
    const { head, ended, isHead, upgrade } = this.#request as OutgoingRequest;
    const kind = isHead ? 'head' : 'plain';
    const endStream = ended && !upgrade;
    this.#connection?.send({ head, endStream, kind, extendedConnect: upgrade, receiver: this });
  }

  send(chunk: Buffer, start: number, end: number): boolean {
    return this.#stream?.write(chunk, start, end) ?? true;
  }

  end(trailers: Buffer | undefined): void {
    const stream = this.#stream;
    // The stream of an extended CONNECT goes on in both directions.
    if (stream === undefined || stream.localEnded || this.#request?.upgrade === true) return;
    if (trailers === undefined) stream.end();
    else stream.sendTrailers(trailers);
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#returnWindow();
  }

  reset(errorCode: number): void {
    this.#receiver = undefined;
    if (this.#stream === undefined) this.#connection?.withdraw(this);
    else this.#stream.reset(errorCode === http2ErrorCode.noError ? http2ErrorCode.cancel : errorCode);
  }

  detach(): ByteChannel | undefined {
    const stream = this.#stream;
    this.#receiver = undefined;
    if (stream === undefined) return undefined;
    const channel = new StreamChannel(nobody);
    channel.attach(stream);
    stream.user = new SwitchedServer(channel);
    channel.opened();
    return channel;
  }

  // What the connection says.

  onUpstreamStream(stream: Http2Stream): void {
    this.#stream = stream;
    this.#receiver?.onServerOpen();
  }

  onResponseHead(headers: Http2Headers, endStream: boolean): void {
    const receiver = this.#receiver;
    if (receiver === undefined) return;
    receiver.onResponseHead(headers, endStream);
    if (this.#receiver !== receiver || headers.status < 200) return;
    this.#responded = true;
    const switched = this.#request?.upgrade === true && !endStream && headers.status < 300;
    if (switched) {
      receiver.onUpgraded(noBytes, 0, 0);
      return;
    }
    if (this.#request?.upgrade === true) this.#stream?.end();
    if (endStream) this.#complete();
  }

  onResponseData(_stream: Http2Stream, chunk: Buffer, start: number, end: number): void {
    this.#unreturnedBytes += end - start;
    this.#receiver?.onResponseBody(chunk, start, end);
    if (!this.#paused) this.#returnWindow();
  }

  onResponseTrailers(headers: HeaderBlock): void {
    this.#receiver?.onResponseTrailers(headers);
    this.#complete();
  }

  onResponseEnd(): void {
    this.#complete();
  }

  onUpstreamWritable(): void {
    this.#receiver?.onServerWritable();
  }

  onUpstreamFailed(
    failure: UpstreamFailure,
    detail: { readonly errorCode: number; readonly unprocessed: boolean },
  ): void {
    const receiver = this.#receiver;
    if (receiver === undefined) return;
    const hadStream = this.#stream !== undefined;
    const refused = detail.unprocessed && detail.errorCode === http2ErrorCode.refusedStream;
    if (refused && !hadStream && failure !== 'no-extended-connect' && this.#crowdedOut < maxCrowdedOut) {
      // The connection had no room when it opened: no attempt was made yet.
      this.#crowdedOut += 1;
      if (this.#takeAnother()) return;
    }
    this.#receiver = undefined;
    receiver.onServerFailure(failureOf(failure, hadStream, detail), detail.errorCode);
  }

  #takeAnother(): boolean {
    try {
      this.#connection = this.#pod.takeHttp2Upstream(this.#endpoint);
    } catch {
      return false;
    }
    this.#send();
    return true;
  }

  #complete(): void {
    const receiver = this.#receiver;
    if (receiver === undefined || !this.#responded) return;
    receiver.onResponseEnd();
    this.#receiver = undefined;
  }

  #returnWindow(): void {
    const bytes = this.#unreturnedBytes;
    if (bytes === 0) return;
    this.#unreturnedBytes = 0;
    this.#stream?.consumed(bytes);
  }
}

const noBytes: Buffer = Buffer.alloc(0);

function failureOf(
  failure: UpstreamFailure,
  hadStream: boolean,
  { errorCode, unprocessed }: { readonly errorCode: number; readonly unprocessed: boolean },
): ServerFailure {
  if (failure === 'no-extended-connect') return 'upgrade-unsupported';
  if (failure === 'policy-denied') return 'policy-denied';
  // A server that sends GOAWAY or refuses a stream works: it wants the request on another connection.
  if (unprocessed && (hadStream || errorCode === http2ErrorCode.refusedStream)) return 'unprocessed';
  return hadStream ? 'reset' : connectFailureOf(failure);
}

/** Stands in for the request of a stream that carries bytes of another protocol now. */
class SwitchedServer implements Http2Receiver {
  readonly #channel: StreamChannel;

  constructor(channel: StreamChannel) {
    this.#channel = channel;
  }

  onUpstreamStream(): void {}
  onResponseHead(): void {}

  onResponseData(_stream: Http2Stream, chunk: Buffer, start: number, end: number): void {
    this.#channel.received(chunk, start, end);
  }

  onResponseTrailers(): void {
    this.#channel.receivedEnd();
  }

  onResponseEnd(): void {
    this.#channel.receivedEnd();
  }

  onUpstreamWritable(): void {
    this.#channel.writable();
  }

  onUpstreamFailed(failure: UpstreamFailure): void {
    const reason: ChannelFailure = failure === 'no-extended-connect' ? 'reset' : failure;
    this.#channel.closed(reason);
  }

  onUpstreamClosed(): void {
    this.#channel.closed(undefined);
  }
}
