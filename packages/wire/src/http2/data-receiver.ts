import type { ConnectionState } from './connection-state.ts';
import { Http2ConnectionError } from './errors.ts';
import { frameTreatment, type FrameTreatment } from './frame-reader.ts';
import { defaultWindowSize, frameType, http2ErrorCode } from './protocol.ts';
import type { Http2Stream } from './stream.ts';

const { protocolError, flowControlError, streamClosed } = http2ErrorCode;

/** DATA for a stream that we reset costs the peer a control frame where it is shorter. */
const leastStrayBytes = 64;

/** DATA frames (RFC 9113 section 6.1), which are given on as they come. */
export class DataReceiver {
  readonly #state: ConnectionState;
  #stream: Http2Stream | undefined;

  constructor(state: ConnectionState) {
    this.#state = state;
  }

  /** The frame's header: flow control is settled here, for all of its bytes and padding. */
  onHeader(streamId: number, length: number, padded: boolean): FrameTreatment {
    if (streamId === 0) throw new Http2ConnectionError(protocolError, 'DATA on stream 0');
    this.#state.window.available -= length;
    if (this.#state.window.available < 0) {
      throw new Http2ConnectionError(flowControlError, "the connection's window is exceeded");
    }
    const stream = this.#state.streams.get(streamId);
    if (stream === undefined) {
      this.#onStrayData(streamId, length);
      return frameTreatment.skip;
    }
    stream.receiveWindow.available -= length;
    if (stream.remoteEnded) this.#state.streamError(stream, streamClosed, 'DATA behind END_STREAM');
    else if (!stream.headersReceived) this.#state.streamError(stream, protocolError, 'DATA before the response head');
    else if (stream.receiveWindow.available < -this.#unacknowledgedSlack()) {
      this.#state.streamError(stream, flowControlError, "the stream's window is exceeded");
    } else if (stream.expectedBytes >= 0 && !padded && length > stream.expectedBytes) {
      // Before any of it is given on: to HTTP/1.1, what content-length says would be a whole message.
      this.#state.streamError(stream, protocolError, 'more DATA than content-length says');
    } else {
      this.#stream = stream;
      return frameTreatment.stream;
    }
    this.#state.creditConnection(length);
    return frameTreatment.skip;
  }

  /** Until our SETTINGS are acknowledged the peer may go by the RFC's window (section 6.9.3). */
  #unacknowledgedSlack(): number {
    return this.#state.settingsAcknowledged
      ? 0
      : Math.max(0, defaultWindowSize - this.#state.settings.initialWindowSize);
  }

  /** DATA for a stream that is gone (section 5.1, "closed"). */
  #onStrayData(streamId: number, length: number): void {
    this.#state.requireNotIdle('DATA', streamId);
    switch (this.#state.streams.howClosed(streamId)) {
      case 'ended':
        throw new Http2ConnectionError(streamClosed, 'DATA on a stream that has ended');
      case 'reset-by-us':
        // Was under way when we reset it. Padding is not told from content any more, so that little counts as none.
        if (length < leastStrayBytes) this.#state.takeControlFrame();
        break;
      case 'reset-by-peer':
      case 'forgotten':
      case 'never-opened':
        this.#state.takeControlFrame();
        this.#state.send.writer.number(frameType.rstStream, streamId, streamClosed);
        break;
    }
    this.#state.creditConnection(length);
  }

  /** Bytes of the frame, without padding. */
  onBytes(chunk: Buffer, start: number, end: number): void {
    const stream = this.#stream as Http2Stream;
    let until = end;
    if (!stream.closed) {
      if (stream.expectedBytes >= 0) {
        until = Math.min(end, start + stream.expectedBytes);
        stream.expectedBytes -= until - start;
      }
      stream.unconsumed += until - start;
      if (until > start) this.#state.handlers.onData(stream, chunk, start, until);
      if (until < end) this.#state.streamError(stream, protocolError, 'more DATA than content-length says');
    } else until = start;
    if (until < end) this.#state.creditConnection(end - until);
  }

  /** The frame is complete. `length` and `padding` count what its header said and what of it was padding. */
  onEnd(length: number, padding: number, endStream: boolean): void {
    const stream = this.#stream as Http2Stream;
    this.#stream = undefined;
    if (length > padding) this.#state.send.usefulFrames++;
    else if (!endStream) this.#state.takeControlFrame();
    if (padding > 0) {
      // Nobody consumes padding.
      this.#state.creditConnection(padding);
      this.#state.creditStreamWindow(stream, padding);
    }
    if (!endStream || stream.closed) return;
    if (stream.expectedBytes > 0) {
      this.#state.streamError(stream, protocolError, 'less DATA than content-length says');
      return;
    }
    stream.remoteEnded = true;
    this.#state.handlers.onEnd(stream);
    this.#state.closeIfDone(stream);
  }
}
