import type { HpackEncoder } from '../hpack/index.ts';
import { ConnectionState, type Http2ConnectionOptions } from './connection-state.ts';
import { Http2ConnectionError, Http2UsageError } from './errors.ts';
import { FrameDispatcher } from './frame-dispatcher.ts';
import { FrameReader } from './frame-reader.ts';
import { clientPreface, frameType, http2ErrorCode } from './protocol.ts';
import type { RemoteSettings } from './settings.ts';
import type { Http2Stream, RequestKind } from './stream.ts';

/**
 * One HTTP/2 connection (RFC 9113), in either role: bytes in by {@link receive}, events out by the handlers, bytes out
 * by the output. It owns no socket and no timer.
 *
 * The owner stops calling `receive` while its socket does not take what was written, and calls {@link destroy} when the
 * socket is gone. If a handler throws, the exception passes through `receive` and the connection must be destroyed.
 */
export class Http2Connection {
  readonly #state: ConnectionState;
  readonly #reader: FrameReader;
  readonly #dispatcher: FrameDispatcher;
  #prefaceBytes: number;
  #started = false;
  #receiving = false;

  constructor(options: Http2ConnectionOptions) {
    this.#state = new ConnectionState(options, () => this.#reader.stop());
    this.#dispatcher = new FrameDispatcher(this.#state);
    this.#reader = new FrameReader(this.#dispatcher);
    this.#prefaceBytes = options.role === 'server' ? clientPreface.length : 0;
  }

  /** What the peer announced, or the RFC's initial values before it did. */
  get remoteSettings(): Readonly<RemoteSettings> {
    return this.#state.send.remote;
  }

  /** Whether the peer's SETTINGS have come. */
  get remoteSettingsReceived(): boolean {
    return this.#state.remoteSettingsReceived;
  }

  /** Whether the peer has acknowledged ours; the owner may time this (SETTINGS_TIMEOUT). */
  get settingsAcknowledged(): boolean {
    return this.#state.settingsAcknowledged;
  }

  /**
   * The encoder of this connection's direction. With a dynamic table its blocks must be sent in the order in which they
   * are encoded; blocks of stateless encoders may be mixed in.
   */
  get encoder(): HpackEncoder {
    return this.#state.send.encoder;
  }

  /** The stream whose header block has begun and not ended, or 0; the owner may time this. */
  get openHeaderBlock(): number {
    return this.#dispatcher.openHeaderBlock;
  }

  /**
   * Whether the connection's window is closed, in either direction: what is sent on any stream waits for those that are
   * not read. It may be so for a moment, or for as long as somebody likes.
   */
  get isWindowClosed(): boolean {
    const { send, window } = this.#state;
    return window.available <= 0 || (send.window <= 0 && send.hasWaiting);
  }

  /** How many streams are open. */
  get streamCount(): number {
    return this.#state.streams.size;
  }

  /** The open streams, as they are now. */
  get openStreams(): Http2Stream[] {
    return this.#state.streams.snapshot();
  }

  /** Whether a GOAWAY was sent or received. */
  get isDraining(): boolean {
    return this.#state.isDraining;
  }

  /** Whether it is draining and has no stream left. */
  get isDrained(): boolean {
    return this.#state.isDrained;
  }

  /** Whether it has failed or was destroyed. */
  get isDead(): boolean {
    return this.#state.dead;
  }

  /** Client: whether {@link openStream} would open one, by the peer's SETTINGS and GOAWAY. */
  get canOpenStream(): boolean {
    return this.#state.canOpenStream;
  }

  /** Sends the preface (client), SETTINGS and the connection's window; the first call, before anything is received. */
  start(): void {
    if (this.#started) throw new Http2UsageError('the connection was started already');
    this.#started = true;
    const { writer } = this.#state.send;
    writer.hold();
    if (!this.#state.isServer) writer.raw(clientPreface, 0, clientPreface.length);
    this.#state.sendPreface();
    writer.release();
  }

  /** Takes bytes from the peer, `chunk[start..end)`, which may not change afterwards: onData gives parts of it on. */
  receive(chunk: Buffer, start: number = 0, end: number = chunk.length): void {
    if (this.#receiving) throw new Http2UsageError('receive was called from a handler');
    const { writer } = this.#state.send;
    this.#receiving = true;
    writer.hold();
    try {
      const at = this.#prefaceBytes > 0 ? this.#receivePreface(chunk, start, end) : start;
      this.#reader.read(chunk, at, end);
    } catch (error) {
      if (!(error instanceof Http2ConnectionError)) throw error;
      this.#state.fail(error);
    } finally {
      this.#receiving = false;
      writer.release();
    }
  }

  /**
   * Client: opens a stream with a request head from `HpackEncoder`. Gives undefined when the peer's limit of streams,
   * a GOAWAY or the end of the connection forbids it. `requestKind` must say CONNECT and HEAD: what follows the
   * response head depends on it.
   */
  openStream(headers: Buffer, endStream: boolean, requestKind: RequestKind = 'plain'): Http2Stream | undefined {
    if (!this.#state.canOpenStream) return undefined;
    if (!this.#started) throw new Http2UsageError('openStream before start');
    const stream = this.#state.openStream(headers, endStream, requestKind);
    this.#state.send.writer.commit();
    return stream;
  }

  /** Sends a PING with 8 bytes of payload; `onPingAck` gets them back. */
  ping(payload: Buffer): void {
    if (payload.length !== 8) throw new Http2UsageError('the payload of a PING has 8 bytes');
    if (this.#state.dead) return;
    this.#state.send.writer.frame(frameType.ping, 0, 0, payload);
    this.#state.send.writer.commit();
  }

  /** Sends GOAWAY with the last stream that came: later ones are ignored, open ones go on. */
  goaway(errorCode: number = http2ErrorCode.noError, reason: string = ''): void {
    if (this.#state.dead) return;
    this.#state.goaway(errorCode, reason);
    this.#state.send.writer.commit();
  }

  /**
   * Ends without losing a stream (section 6.8): a server sends GOAWAY with the greatest identifier and a PING, and the
   * final GOAWAY when the PING is answered. `onDrained` follows when the last stream has ended.
   */
  shutdownGracefully(): void {
    if (this.#state.dead) return;
    this.#state.shutdownGracefully();
    this.#state.send.writer.commit();
  }

  /**
   * Ends the connection for a reason that the owner found: GOAWAY, then every open stream gets onReset and
   * onStreamClosed, then onConnectionError.
   */
  fail(errorCode: number, reason: string): void {
    this.#state.fail(new Http2ConnectionError(errorCode, reason));
  }

  /** The socket is gone: every open stream gets onReset with `errorCode` and onStreamClosed; nothing is sent. */
  destroy(errorCode: number = http2ErrorCode.cancel): void {
    this.#state.destroy(errorCode);
  }

  /**
   * Holds DATA back, whatever the peer's windows allow: the owner's own buffers are full. A peer may open windows of
   * 2 GiB and read slowly. Streams queue what is written, and say so; everything else is still sent.
   */
  pauseSending(): void {
    this.#state.send.pause();
  }

  /** Sends what {@link pauseSending} held back; streams whose queue is sent become writable. */
  resumeSending(): void {
    const { send } = this.#state;
    if (this.#state.dead) return;
    send.resume();
    send.writer.commit();
  }

  /** Hands out what was gathered, for owners with `wantsFlush`. */
  flush(): void {
    this.#state.send.writer.flush();
  }

  /** Section 3.4: a client begins with fixed bytes. Gives where the frames begin. */
  #receivePreface(chunk: Buffer, start: number, end: number): number {
    let at = start;
    while (at < end && this.#prefaceBytes > 0) {
      if (chunk[at] !== clientPreface[clientPreface.length - this.#prefaceBytes]) {
        this.#state.fail(new Http2ConnectionError(http2ErrorCode.protocolError, 'the client does not speak HTTP/2'));
        return end;
      }
      at++;
      this.#prefaceBytes--;
    }
    return at;
  }
}
