import type { Http2ConnectionError } from './errors.ts';
import type { Http2Headers } from './message-fields.ts';
import type { Http2Stream } from './stream.ts';

/**
 * What a connection tells its owner; one object a connection. All methods are called from within a call to the
 * connection or to one of its streams, which may be called in turn, except for `receive`.
 *
 * A stream's calls come in this order: onHeaders (on a client any number of 1xx, then the final response), onData…,
 * then one of: onEnd, onTrailers, onReset. `onStreamClosed` is always the last and comes exactly once for every stream
 * that was given to the owner.
 */
export interface Http2Handlers {
  /**
   * A request (server) or a response (client). The headers are valid until the method returns. With `endStream` the
   * remote side is done: onEnd is not called then.
   */
  onHeaders(stream: Http2Stream, headers: Http2Headers, endStream: boolean): void;
  /** Trailers, which end the remote side; the headers are valid until the method returns. */
  onTrailers(stream: Http2Stream, headers: Http2Headers): void;
  /**
   * A header list above the limits. A server may answer 431 and end the stream; without this method, and for
   * responses and trailers always, the stream is reset with ENHANCE_YOUR_CALM.
   */
  onHeadersTooLarge?(stream: Http2Stream, endStream: boolean): void;
  /**
   * Bytes of the body, `chunk[start..end)`, in place in what was given to `receive`. The window opens again when
   * `stream.consumed(bytes)` says so.
   */
  onData(stream: Http2Stream, chunk: Buffer, start: number, end: number): void;
  /** The remote side ended with DATA. */
  onEnd(stream: Http2Stream): void;
  /**
   * The stream failed: RST_STREAM from the peer, an error that the codec found (it has sent RST_STREAM then), or the
   * end of the connection. `stream.resetBy` and `stream.resetReason` say more. REFUSED_STREAM means: never processed,
   * may be sent again elsewhere.
   */
  onReset(stream: Http2Stream, errorCode: number): void;
  /** Both sides are done, or the stream was reset by either: forget it. */
  onStreamClosed(stream: Http2Stream): void;
  /** All that `write` had to queue is sent: more may be written. */
  onWritable(stream: Http2Stream): void;
  /**
   * The peer opens or accepts no new streams. On a client, streams above `lastStreamId` are handed to onReset with
   * REFUSED_STREAM right after this.
   */
  onGoaway(lastStreamId: number, errorCode: number): void;
  /** The peer's SETTINGS came: see `connection.remoteSettings`. */
  onRemoteSettings(): void;
  /** The answer to a `ping`; the payload is the owner's to keep. */
  onPingAck(payload: Buffer): void;
  /** A GOAWAY was sent or received and the last stream has ended: the connection may be closed. */
  onDrained?(): void;
  /**
   * The peer broke the protocol or a limit. GOAWAY is queued and all streams have been handed to onReset; the owner
   * closes the socket after flushing. Nothing more is read or sent.
   */
  onConnectionError(error: Http2ConnectionError): void;
}
