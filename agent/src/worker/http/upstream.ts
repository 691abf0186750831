import { findHeader } from '@tulle/core';
import { Http1ResponseReader } from '@tulle/wire';
import type { Http1PayloadSink, Http1ReaderState, Http1ResponseHead } from '@tulle/wire';
import type { ByteChannel, ChannelFailure, ChannelOwner } from '../channel.ts';
import type { Deadline, Ticker } from '../tick.ts';

/** Why a request's answer did not come, or not to its end. */
export type UpstreamFailure = ChannelFailure | 'bad-response' | 'truncated';

/** Who waits for a response. */
export interface ResponseReceiver {
  /** The connection is there; a request's body may be sent. */
  onUpstreamOpen(): void;
  /** A head, interim or final; it is valid until the method returns. */
  onResponseHead(head: Http1ResponseHead): void;
  /** A part of the body as it came, framing included. */
  onResponseBody(chunk: Buffer, start: number, end: number): void;
  /** All that came at once was handed over: what was gathered may be sent. */
  onResponsePause(): void;
  onResponseEnd(): void;
  /** The server switched to another protocol; `chunk[start..end)` are its first bytes. */
  onUpgraded(chunk: Buffer, start: number, end: number): void;
  onUpstreamWritable(): void;
  onUpstreamFailure(failure: UpstreamFailure): void;
}

/** Where a connection goes when it is free. */
export interface UpstreamHome {
  readonly ticker: Ticker;
  release(upstream: Upstream): void;
  forget(upstream: Upstream): void;
}

/** Servers close idle connections, some after 5 s (Node, uvicorn) or 2 s: ours must be gone before. */
const idleTimeoutMs = 4_000;
const keepAliveName = Buffer.from('keep-alive');
const timeoutPrefix = 'timeout=';
const maxIdleTimeoutMs = 60_000;

/** An HTTP/1.1 connection to an application, through a tunnel or not, that carries request after request. */
export class Upstream implements ChannelOwner, Deadline {
  deadlineMs = Number.POSITIVE_INFINITY;
  /** Whether it has carried a request before: the server may have closed it just now. */
  reused = false;
  opened = false;
  readonly path: string;
  readonly #home: UpstreamHome;
  readonly #reader = new Http1ResponseReader();
  #channel: ByteChannel | undefined;
  #receiver: ResponseReceiver | undefined;
  #idleTimeoutMs = idleTimeoutMs;
  #responseDone = true;
  #requestDone = true;
  #dead = false;

  /** `path` names the way that its channel takes to the endpoint. */
  constructor(home: UpstreamHome, path: string) {
    this.#home = home;
    this.path = path;
    home.ticker.add(this);
  }

  /** Gives it its channel, which may be open or not. */
  attach(channel: ByteChannel): void {
    this.#channel = channel;
  }

  /** Whether no other request should be begun on it. */
  get retiring(): boolean {
    return this.#channel?.retiring ?? false;
  }

  /** Begins a request; its head is the first thing to {@link send}. */
  begin(receiver: ResponseReceiver, request: { readonly isHead: boolean; readonly upgrade: boolean }): void {
    this.#receiver = receiver;
    this.#responseDone = false;
    this.#requestDone = false;
    this.deadlineMs = Number.POSITIVE_INFINITY;
    this.#reader.expect(request.isHead, request.upgrade);
  }

  send(chunk: Buffer, start: number, end: number): boolean {
    return this.#channel?.write(chunk, start, end) ?? true;
  }

  /** The request's last byte was sent. */
  endRequest(): void {
    this.#requestDone = true;
    if (this.#responseDone) this.#release();
  }

  /** Sends the payload of the response's body here, without framing. To be set from onResponseHead. */
  set sink(sink: Http1PayloadSink | undefined) {
    this.#reader.sink = sink;
  }

  pause(): void {
    this.#channel?.pause();
  }

  resume(): void {
    this.#channel?.resume();
  }

  /** Breaks the connection; the receiver hears nothing more. */
  reset(): void {
    this.#receiver = undefined;
    this.#die();
    this.#channel?.reset();
  }

  /** Gives the channel away, for a protocol that is not HTTP. */
  detach(): ByteChannel | undefined {
    this.#receiver = undefined;
    this.#die();
    this.#channel?.resume();
    return this.#channel;
  }

  onOpen(): void {
    this.opened = true;
    this.#receiver?.onUpstreamOpen();
  }

  onData(_channel: ByteChannel, chunk: Buffer, start: number, end: number): void {
    const reader = this.#reader;
    let at = start;
    while (at < end) {
      const receiver = this.#receiver;
      if (receiver === undefined || this.#responseDone) {
        // Bytes that nobody asked for: the connection is not to be trusted any more.
        this.reset();
        receiver?.onUpstreamFailure('bad-response');
        return;
      }
      if (reader.state === 'head') {
        at = reader.readHead(chunk, at, end);
        if (reader.state === 'head') return;
        if (reader.state === 'failed') return this.#fail('bad-response');
        const { head } = reader;
        if (!this.reused && !head.interim) this.#readKeepAlive(head);
        receiver.onResponseHead(head);
        // The receiver may have had enough of this response, to try again elsewhere.
        if (this.#receiver !== receiver) return;
        if (head.interim) {
          reader.next();
          continue;
        }
        if (head.upgrade) {
          receiver.onUpgraded(chunk, at, end);
          return;
        }
      } else {
        const next = reader.readBody(chunk, at, end);
        if (this.#stateIs('failed')) return this.#fail('bad-response');
        receiver.onResponseBody(chunk, at, next);
        at = next;
      }
      if (reader.state === 'complete') this.#complete(receiver);
    }
    this.#receiver?.onResponsePause();
  }

  /** Reads the state anew: the compiler does not know that a method of the reader changes it. */
  #stateIs(state: Http1ReaderState): boolean {
    return this.#reader.state === state;
  }

  onEnd(): void {
    const receiver = this.#receiver;
    const end = this.#reader.end();
    if (end === 'complete' && receiver !== undefined && !this.#responseDone) {
      this.#complete(receiver);
      this.#retire();
      return;
    }
    if (receiver === undefined || this.#responseDone) {
      this.#retire();
      return;
    }
    this.#fail('truncated');
  }

  onWritable(): void {
    this.#receiver?.onUpstreamWritable();
  }

  onClosed(_channel: ByteChannel, failure: ChannelFailure | undefined): void {
    const receiver = this.#receiver;
    this.#receiver = undefined;
    this.#die();
    if (receiver !== undefined && !this.#responseDone) receiver.onUpstreamFailure(failure ?? 'truncated');
  }

  /** It idled too long. */
  onDeadline(): void {
    this.#retire();
  }

  #complete(receiver: ResponseReceiver): void {
    const { keepAlive } = this.#reader.head;
    this.#responseDone = true;
    this.reused = true;
    if (!keepAlive) this.#dead = true;
    if (this.#requestDone) this.#receiver = undefined;
    receiver.onResponseEnd();
    if (this.#requestDone) this.#release();
  }

  #release(): void {
    if (this.#receiver !== undefined && this.#responseDone) this.#receiver = undefined;
    if (this.#dead || this.#channel === undefined) {
      this.#retire();
      return;
    }
    this.#reader.next();
    this.#reader.sink = undefined;
    // Whoever had it may have paused it at the end: its window would stay closed, and in time the tunnel's.
    this.#channel.resume();
    this.deadlineMs = this.#home.ticker.nowMs + this.#idleTimeoutMs;
    this.#home.release(this);
  }

  /** Ends the connection in good order. */
  #retire(): void {
    this.#die();
    this.#receiver = undefined;
    this.#channel?.end();
  }

  #fail(failure: UpstreamFailure): void {
    const receiver = this.#receiver;
    this.reset();
    receiver?.onUpstreamFailure(failure);
  }

  #die(): void {
    this.#dead = true;
    this.deadlineMs = Number.POSITIVE_INFINITY;
    this.#home.ticker.remove(this);
    this.#home.forget(this);
  }

  /** `Keep-Alive: timeout=N` says when the server will close; a second less is ours. */
  #readKeepAlive(head: Http1ResponseHead): void {
    const { headers } = head;
    const index = findHeader(headers, keepAliveName);
    if (index < 0) return;
    const text = Buffer.from(headers.buffer.buffer, headers.buffer.byteOffset, headers.buffer.length).toString(
      'latin1',
      headers.ranges[index * 4 + 2],
      headers.ranges[index * 4 + 3],
    );
    const at = text.indexOf(timeoutPrefix);
    const seconds = at < 0 ? Number.NaN : Number.parseInt(text.slice(at + timeoutPrefix.length), 10);
    if (seconds >= 1) this.#idleTimeoutMs = Math.min(maxIdleTimeoutMs, seconds * 1_000 - 900);
  }
}
