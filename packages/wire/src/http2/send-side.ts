import { HpackEncoder } from '../hpack/index.ts';
import { FrameWriter } from './frame-writer.ts';
import type { Http2Output } from './output.ts';
import { defaultWindowSize, frameFlag, frameType, greatest31Bit } from './protocol.ts';
import { RemoteSettings } from './settings.ts';

/** A stream as seen by the connection's send window. */
export interface WaitingStream {
  /** Sends at most one frame of what is queued; whether more could be sent at once. */
  sendQueuedFrame(): boolean;
}

/** What all streams of a connection send through: the writer, the connection's send window, header compression. */
export class SendSide {
  readonly writer: FrameWriter;
  readonly remote: RemoteSettings = new RemoteSettings();
  readonly encoder: HpackEncoder;
  /** What the connection's window allows us to send (RFC 9113 section 6.9.1). */
  window: number = defaultWindowSize;
  #paused = false;
  /** Set when frames with content went out, for the budget of control frames. */
  usefulFrames = 0;
  /** Streams with queued bytes and an open window of their own, in turn. */
  readonly #waiting: WaitingStream[] = [];
  #serving = false;

  constructor(output: Http2Output, encoderTableSize: number) {
    this.writer = new FrameWriter(output);
    this.encoder = new HpackEncoder({ tableSize: encoderTableSize });
  }

  /** How many bytes of DATA may be sent now: what the window allows, unless the owner's own buffers are full. */
  get available(): number {
    return this.#paused ? 0 : this.window;
  }

  /** Holds DATA back, whatever the windows allow. */
  pause(): void {
    this.#paused = true;
  }

  /** Sends what was held back. */
  resume(): void {
    this.#paused = false;
    this.serve();
  }

  /** Whether streams wait for the connection's window: then nobody may send past them. */
  get hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** Puts a stream behind the others that wait for the connection's window. */
  wait(stream: WaitingStream): void {
    this.#waiting.push(stream);
  }

  /** Takes a stream out that will not send any more. */
  forget(stream: WaitingStream): void {
    const index = this.#waiting.indexOf(stream);
    if (index >= 0) this.#waiting.splice(index, 1);
  }

  /** Opens the connection's window; false when it overflows (section 6.9.1). */
  open(increment: number): boolean {
    this.window += increment;
    if (this.window > greatest31Bit) return false;
    this.serve();
    return true;
  }

  /** Lets the waiting streams send, a frame each in turn, while the window is open. */
  serve(): void {
    if (this.#serving) return;
    this.#serving = true;
    try {
      while (this.available > 0) {
        const stream = this.#waiting.shift();
        if (stream === undefined) break;
        if (stream.sendQueuedFrame()) this.#waiting.push(stream);
      }
    } finally {
      this.#serving = false;
    }
  }

  /** A header block as HEADERS and as many CONTINUATIONs as the peer's frame size asks for (section 6.10). */
  headers(streamId: number, encoded: Buffer, endStream: boolean): void {
    const { writer } = this;
    const maxFrameSize = this.remote.maxFrameSize;
    const update = this.encoder.takeTableSizeUpdate();
    const block = update === undefined ? encoded : Buffer.concat([update, encoded]);
    let type: number = frameType.headers;
    let flags: number = endStream ? frameFlag.endStream : 0;
    let start = 0;
    do {
      const end = Math.min(block.length, start + maxFrameSize);
      if (end === block.length) flags |= frameFlag.endHeaders;
      writer.header(end - start, type, flags, streamId);
      writer.raw(block, start, end);
      type = frameType.continuation;
      flags = 0;
      start = end;
    } while (start < block.length);
    this.usefulFrames++;
  }
}
