import type { HeaderEdits } from '@tulle/routing';
import { http2ErrorCode, Http1RequestReader } from '@tulle/wire';
import type { Http1PayloadSink } from '@tulle/wire';
import type { ByteChannel, ChannelOwner, ClientChannel } from '../channel.ts';
import { LastWords } from '../last-words.ts';
import type { ServicePortView } from '../mesh-view.ts';
import type { Pod } from '../pod.ts';
import type { PodConnection } from '../pod-connections.ts';
import type { Splice } from '../splice.ts';
import type { Deadline } from '../tick.ts';
import type { AnswerReason } from './answers.ts';
import { answerStatus, http1Answer, http1Preflight, http1Redirect, reasonOfFailure } from './answers.ts';
import { EndedClient } from './ended-client.ts';
import { Exchange } from './exchange.ts';
import { Http1IncomingRequest } from './http1-request.ts';
import { Http1Responder } from './http1-responder.ts';
import type { ClientSide } from './sides.ts';

/** From the first byte of a head to its last. */
const headTimeoutMs = 10_000;
/** A connection between two requests. */
const idleTimeoutMs = 600_000;
/** A client that has ended its half and gets nothing for so long has gone. */
const endedSilenceMs = 60_000;
/** How often it is looked at meanwhile. */
const endedWatchMs = 5_000;
/** So much every client's kernel takes at once, whether the client reads or not. */
const takenAtOnceBytes = 16 * 1024;
/** Up to this size a body that came with its head leaves in the same write. */
const joinedBodyBytes = 16 * 1024;

/**
 * One HTTP/1.1 connection of the pod's application, to a Service. Each request on it is routed and balanced by itself.
 *
 * States: `head` (between requests, or inside a head) -> `exchange` (a request is being carried, its response awaited)
 * -> `head`; any -> closed, where {@link LastWords} see to it that the client gets the last answer; `exchange` ->
 * `upgraded`.
 */
export class Http1Client implements ClientSide, ChannelOwner, PodConnection, Deadline, Http1PayloadSink {
  tickerSlot = -1;
  podSlot = -1;
  deadlineMs = Number.POSITIVE_INFINITY;
  readonly request: Http1IncomingRequest;
  readonly response: Http1Responder;
  readonly #pod: Pod;
  readonly #channel: ClientChannel;
  readonly #reader = new Http1RequestReader();
  readonly #exchange: Exchange;
  #state: 'head' | 'exchange' | 'upgraded' | 'closed' = 'head';
  /** Input that waits: for the server's connection to open, or for the response before the next request. */
  #held: Buffer | undefined;
  #clientEnded = false;
  #endedClient: EndedClient | undefined;
  #payload = false;
  #takesMore = true;
  /** What is being read, for the payload in it. */
  #chunk: Buffer | undefined;

  constructor(pod: Pod, channel: ClientChannel, frontend: ServicePortView) {
    this.#pod = pod;
    this.#channel = channel;
    this.request = new Http1IncomingRequest(pod.context, this.#reader, frontend.service);
    this.response = new Http1Responder(this.#reader.head, channel, pod.context, () => this.#exchange.clientFull());
    this.#exchange = new Exchange(pod, frontend, this);
    channel.owner = this;
    pod.connections.add(this);
    pod.context.ticker.add(this);
    this.deadlineMs = pod.context.ticker.nowMs + idleTimeoutMs;
  }

  /** The response under way is the connection's last; an idle connection stays until its client or a deadline ends it. */
  drain(): void {
    this.response.closeAfter = true;
  }

  destroy(): void {
    if (this.#state === 'closed') return;
    const idle = this.#state === 'head' && !this.#reader.headBegun;
    this.#exchange.clientGone(http2ErrorCode.cancel);
    this.#leave();
    if (idle) this.#channel.end();
    else this.#channel.reset();
  }

  // What comes from the client.

  onOpen(): void {}

  onData(_channel: ByteChannel, chunk: Buffer, start: number, end: number): void {
    if (this.#held === undefined) {
      this.#consume(chunk, start, end);
      return;
    }
    this.#held = Buffer.concat([this.#held, chunk.subarray(start, end)]);
  }

  #consume(chunk: Buffer, start: number, end: number): void {
    let at = start;
    while (at < end) {
      switch (this.#state) {
        case 'head': {
          at = this.#reader.readHead(chunk, at, end);
          const { state } = this.#reader;
          if (state === 'head') {
            if (this.deadlineMs > this.#pod.context.ticker.nowMs + headTimeoutMs && this.#reader.headBegun) {
              this.deadlineMs = this.#pod.context.ticker.nowMs + headTimeoutMs;
            }
            return;
          }
          if (state === 'failed') {
            this.#refuse();
            return;
          }
          this.#state = 'exchange';
          this.deadlineMs = Number.POSITIVE_INFINITY;
          this.#exchange.begin(state === 'body' && at < end && end - at <= joinedBodyBytes);
          break;
        }
        case 'exchange': {
          if (this.#reader.state !== 'body' || !this.#exchange.takesBody) {
            this.#held = chunk.subarray(at, end);
            this.#channel.pause();
            return;
          }
          at = this.#forwardBody(chunk, at, end);
          break;
        }
        case 'upgraded':
        case 'closed':
          return;
      }
    }
  }

  #forwardBody(chunk: Buffer, start: number, end: number): number {
    this.#takesMore = true;
    this.#chunk = chunk;
    const next = this.#reader.readBody(chunk, start, end);
    const { state } = this.#reader;
    if (state === 'failed') {
      this.#refuse();
      return end;
    }
    if (!this.#payload) this.#takesMore = this.#exchange.sendBody(chunk, start, next);
    if (!this.#takesMore) this.#channel.pause();
    if (state === 'complete') this.#exchange.endRequest(this.#payload ? this.#reader.trailers : undefined);
    return next;
  }

  onPayload(_buffer: Uint8Array, start: number, end: number): void {
    // The bytes belong to the chunk at hand.
    this.#takesMore = this.#exchange.sendBody(this.#chunk as Buffer, start, end);
  }

  /** The client broke the protocol: the answer the codec says, and the end of the connection. */
  #refuse(): void {
    const { failure } = this.#reader;
    this.#answerAndClose(failure?.status ?? 400, reasonOfFailure(failure?.code));
  }

  #answerAndClose(status: number, reason: AnswerReason): void {
    const isCut = this.#state === 'exchange' && this.#exchange.responseStarted;
    this.#exchange.clientFailed(status, reason);
    if (isCut) {
      this.breakOff();
      return;
    }
    this.response.answer(http1Answer(reason, { close: true, isHead: false, status }));
    this.#close();
  }

  onEnd(): void {
    this.#clientEnded = true;
    if (this.#state === 'head') this.#close();
    else if (this.#state === 'exchange' && this.#reader.state === 'body' && this.#held === undefined) {
      // The body will not come to its end; a request that is whole still gets its response.
      this.#exchange.clientGone(http2ErrorCode.cancel);
      this.breakOff();
    } else if (this.#state === 'exchange') this.#watchEnded();
  }

  #watchEnded(): void {
    const { nowMs } = this.#pod.context.ticker;
    this.deadlineMs = nowMs + endedWatchMs;
    this.#endedClient ??= new EndedClient(this.#channel, endedSilenceMs);
    if (!this.#endedClient.hasGone(nowMs)) return;
    this.#exchange.clientGone(http2ErrorCode.cancel);
    this.breakOff();
  }

  onWritable(): void {
    this.#exchange.clientWritable();
  }

  onClosed(): void {
    this.#exchange.clientGone(http2ErrorCode.cancel);
    this.#leave();
  }

  /** The exchange has deadlines of its own. */
  onDeadline(): void {
    if (this.#state === 'exchange' && this.#clientEnded) this.#watchEnded();
    else if (this.#state !== 'head') return;
    else if (this.#reader.headBegun) this.#answerAndClose(answerStatus('header-timeout'), 'header-timeout');
    else this.#close();
  }

  // What the exchange asks for.

  setPayload(payload: boolean): void {
    this.#payload = payload;
    this.#reader.sink = payload ? this : undefined;
  }

  /** Goes on with input that was held. */
  resumeRequest(): void {
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined) this.#consume(held, 0, held.length);
    // The client had ended while its bytes waited: a body that is not whole by now will not be.
    if (held !== undefined && this.#clientEnded && this.#stateIs('exchange')) this.onEnd();
    if (this.#held === undefined && this.#state !== 'closed' && this.#state !== 'upgraded') this.#channel.resume();
  }

  // What the exchange has for the client.

  respondEnd(requestEnded: boolean): void {
    this.response.end();
    if (requestEnded) this.#endExchange();
    else this.#close();
  }

  answer(reason: AnswerReason): void {
    const close = this.#closesAfterAnswer;
    this.#reply(http1Answer(reason, { close, isHead: this.request.isHead }), close);
  }

  answerRedirect(status: number, location: Buffer, edits: HeaderEdits | undefined): void {
    const close = this.#closesAfterAnswer;
    this.#reply(http1Redirect(status, location, close, edits?.append), close);
  }

  answerPreflight(_status: number, edits: HeaderEdits): void {
    const close = this.#closesAfterAnswer;
    this.#reply(http1Preflight(edits.append, close), close);
  }

  /** Whether the connection ends with an answer of the mesh: a body that was not read is in the way of the next request. */
  get #closesAfterAnswer(): boolean {
    return this.response.closeAfter || this.#reader.state !== 'complete' || !this.#reader.head.keepAlive;
  }

  #reply(bytes: Buffer, close: boolean): void {
    this.response.answer(bytes);
    if (close) this.#close();
    else this.#endExchange();
  }

  breakOff(): void {
    this.response.discard();
    this.#leave();
    this.#channel.reset();
  }

  detach(): ByteChannel {
    this.#state = 'upgraded';
    this.deadlineMs = Number.POSITIVE_INFINITY;
    this.#leave();
    return this.#channel;
  }

  startSplice(splice: Splice, server: ByteChannel): void {
    const early = this.#held;
    this.#held = undefined;
    if (early !== undefined) splice.onData(this.#channel, early, 0, early.length);
    if (this.#clientEnded) server.end();
    this.#channel.resume();
  }

  // The connection.

  /** The exchange is over, with a response to its end: the next request, or the connection's end. */
  #endExchange(): void {
    if (this.response.closeAfter) {
      if (this.#saidAll) this.#closeNow();
      else this.#close();
      return;
    }
    this.#chunk = undefined;
    this.#reader.next();
    this.#state = 'head';
    this.deadlineMs = this.#pod.context.ticker.nowMs + idleTimeoutMs;
    if (this.#held !== undefined) this.resumeRequest();
    else this.#channel.resume();
    // A client that has said all it will still gets an answer to every request that it sent.
    if (this.#clientEnded && this.#stateIs('head')) this.#close();
  }

  /** Reads the state anew: the compiler does not know that a method changes it. */
  #stateIs(state: 'head' | 'exchange'): boolean {
    return this.#state === state;
  }

  /** Nothing more will be written. */
  #close(): void {
    this.#held = undefined;
    this.#leave();
    new LastWords(this.#pod, this.#channel);
  }

  /**
   * Whether the connection may be closed without waiting for the client: it said that this is its last request. Should
   * more come all the same (old clients send a CRLF too many), the kernel resets the connection, and what is not with the
   * client by then is lost: so only after little, which the client's kernel has taken.
   */
  get #saidAll(): boolean {
    if (this.#reader.head.keepAlive || this.#held !== undefined) return false;
    return this.#channel.unsentBytes === 0 && this.#channel.writtenBytes <= takenAtOnceBytes;
  }

  /** All was said on both sides: there is nothing to wait for. */
  #closeNow(): void {
    this.#leave();
    this.#channel.close();
  }

  #leave(): void {
    if (this.#state === 'closed') return;
    if (this.#state !== 'upgraded') this.#state = 'closed';
    this.#pod.context.ticker.remove(this);
    this.#pod.connections.delete(this);
  }
}
