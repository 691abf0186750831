import { HpackError, type HpackDecoder } from '../hpack/index.ts';
import type { ConnectionState } from './connection-state.ts';
import { Http2ConnectionError } from './errors.ts';
import { tooLarge, type HeaderAssembler } from './header-assembler.ts';
import { Http2Headers } from './message-fields.ts';
import { frameType, http2ErrorCode } from './protocol.ts';
import type { Http2Stream, RequestKind } from './stream.ts';

const { protocolError, streamClosed, refusedStream, compressionError, enhanceYourCalm } = http2ErrorCode;

/** Header blocks: requests, responses and trailers (RFC 9113 sections 6.2 and 8.1). */
export class HeaderReceiver {
  readonly #state: ConnectionState;
  readonly #decoder: HpackDecoder;
  readonly #headers = new Http2Headers();
  readonly #block: HeaderAssembler;

  constructor(state: ConnectionState, decoder: HpackDecoder, block: HeaderAssembler) {
    this.#state = state;
    this.#decoder = decoder;
    this.#block = block;
  }

  /** Checks what a HEADERS frame's header says. */
  checkHeader(streamId: number, length: number): void {
    if (streamId === 0) throw new Http2ConnectionError(protocolError, 'HEADERS on stream 0');
    if (!this.#state.isServer) this.#state.requireNotIdle('HEADERS', streamId);
    else if (streamId % 2 === 0) throw new Http2ConnectionError(protocolError, 'a client opens an even stream');
    // The padding and priority fields are no part of the block.
    if (length > this.#state.limits.maxHeaderBlockBytes + 261) throw tooLarge();
  }

  /** A header block is complete. */
  onBlock(streamId: number): void {
    const block = this.#block;
    let fits: boolean;
    try {
      if (block.end - block.start > this.#state.limits.maxHeaderBlockBytes) throw tooLarge();
      fits = this.#decoder.decode(block.block, block.start, block.end, this.#headers);
    } catch (error) {
      if (!(error instanceof HpackError)) throw error;
      throw new Http2ConnectionError(compressionError, error.message, { cause: error });
    }
    const stream = this.#state.streams.get(streamId);
    if (stream !== undefined) this.#onFurtherHeaders(stream, fits);
    else if (this.#state.isServer && streamId > this.#state.lastPeerStreamId) this.#onRequest(streamId, fits);
    else this.#onStrayHeaders(streamId);
  }

  #onRequest(streamId: number, fits: boolean): void {
    const headers = this.#headers;
    const { endStream, dependsOnItself } = this.#block;
    this.#state.lastPeerStreamId = streamId;
    if (streamId > this.#state.sentGoaway) {
      // Section 6.8: ignored; the client knows from our GOAWAY.
      this.#state.streams.close(streamId, 'reset-by-us');
      return;
    }
    if (this.#state.streams.size >= this.#state.settings.maxConcurrentStreams)
      return this.#refuse(streamId, refusedStream);
    let wrong = dependsOnItself ? 'a stream depends on itself' : undefined;
    if (fits) wrong ??= headers.checkRequest(this.#state.settings.enableConnectProtocol);
    else if (this.#state.handlers.onHeadersTooLarge === undefined) return this.#refuse(streamId, enhanceYourCalm);
    const isTunnel = headers.isConnect && headers.protocol < 0;
    if (endStream && headers.contentLength > 0 && !isTunnel) wrong ??= 'content-length without content';
    if (wrong !== undefined) return this.#refuse(streamId, protocolError);
    this.#state.send.usefulFrames++;
    const stream = this.#state.makeStream(streamId, isTunnel ? 'connect' : headers.isHead ? 'head' : 'plain', false);
    stream.headersReceived = true;
    stream.remoteEnded = endStream;
    if (!isTunnel) stream.expectedBytes = headers.contentLength;
    if (fits) this.#state.handlers.onHeaders(stream, headers, endStream);
    else {
      stream.expectedBytes = -1;
      this.#state.handlers.onHeadersTooLarge?.(stream, endStream);
    }
    this.#state.closeIfDone(stream);
  }

  /** A request that the owner never hears of. */
  #refuse(streamId: number, errorCode: number): void {
    this.#state.send.writer.number(frameType.rstStream, streamId, errorCode);
    this.#state.streams.close(streamId, 'reset-by-us');
    this.#state.takeWastedStream();
  }

  #onFurtherHeaders(stream: Http2Stream, fits: boolean): void {
    const { endStream, dependsOnItself } = this.#block;
    this.#state.send.usefulFrames++;
    if (stream.remoteEnded) this.#state.streamError(stream, streamClosed, 'HEADERS behind END_STREAM');
    else if (dependsOnItself) this.#state.streamError(stream, protocolError, 'a stream depends on itself');
    else if (!fits) this.#state.streamError(stream, enhanceYourCalm, 'a header list is larger than the limit');
    else if (!stream.headersReceived) this.#onResponse(stream, endStream);
    else this.#onTrailers(stream, endStream);
  }

  #onResponse(stream: Http2Stream, endStream: boolean): void {
    const headers = this.#headers;
    const wrong = headers.checkResponse();
    if (wrong !== undefined) return this.#state.streamError(stream, protocolError, wrong);
    if (headers.status < 200) {
      stream.informationalResponses++;
      if (endStream) this.#state.streamError(stream, protocolError, 'END_STREAM on an informational response');
      else if (stream.informationalResponses > this.#state.limits.maxInformationalResponses) {
        this.#state.streamError(stream, enhanceYourCalm, 'too many informational responses');
      } else this.#state.handlers.onHeaders(stream, headers, false);
      return;
    }
    stream.headersReceived = true;
    stream.expectedBytes = expectedBytes(stream.requestKind, headers);
    if (endStream && stream.expectedBytes > 0) {
      return this.#state.streamError(stream, protocolError, 'content-length without content');
    }
    stream.remoteEnded = endStream;
    this.#state.handlers.onHeaders(stream, headers, endStream);
    this.#state.closeIfDone(stream);
  }

  #onTrailers(stream: Http2Stream, endStream: boolean): void {
    const wrong = this.#headers.checkTrailers();
    if (!endStream) this.#state.streamError(stream, protocolError, 'trailers without END_STREAM');
    else if (stream.requestKind === 'connect')
      this.#state.streamError(stream, protocolError, 'HEADERS inside a tunnel');
    else if (wrong !== undefined) this.#state.streamError(stream, protocolError, wrong);
    else if (stream.expectedBytes > 0)
      this.#state.streamError(stream, protocolError, 'less DATA than content-length says');
    else {
      stream.remoteEnded = true;
      this.#state.handlers.onTrailers(stream, this.#headers);
      this.#state.closeIfDone(stream);
    }
  }

  /** HEADERS for a stream that is gone; the block has been decoded, as it must be. */
  #onStrayHeaders(streamId: number): void {
    this.#state.takeControlFrame();
    switch (this.#state.streams.howClosed(streamId)) {
      case 'ended':
        throw new Http2ConnectionError(streamClosed, 'HEADERS on a stream that has ended');
      case 'never-opened':
        // Section 5.1.1: identifiers only grow.
        throw new Http2ConnectionError(protocolError, 'a stream is opened below a higher one');
      case 'reset-by-us':
        break;
      case 'reset-by-peer':
      case 'forgotten':
        this.#state.send.writer.number(frameType.rstStream, streamId, streamClosed);
        break;
    }
  }
}

/** How many body bytes a response promises; -1 when nothing says (section 8.1.1; RFC 9110 section 8.6). */
function expectedBytes(requestKind: RequestKind, headers: Http2Headers): number {
  if (requestKind === 'head' || headers.status === 204 || headers.status === 304) return 0;
  if (requestKind === 'connect' && headers.status < 300) return -1;
  return headers.contentLength;
}
