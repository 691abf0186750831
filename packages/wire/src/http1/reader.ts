import type { HeaderBlock } from '@tulle/core';
import type { Http1PayloadSink } from './body-reader.ts';
import { BodyReader } from './body-reader.ts';
import type { Http1Failure, Http1Rule } from './failure.ts';
import type { FieldBlock } from './field-block.ts';
import type { Http1Limits } from './limits.ts';
import { SectionReader } from './section-reader.ts';
import type { StartLine } from './start-line.ts';

/** Where a reader is in a message. From 'complete', `next()` leads to 'head'; from 'failed' nothing does. */
export type Http1ReaderState = 'head' | 'body' | 'complete' | 'failed';

/** What the end of the input means to a reader: no message was under way, one ended well, or one was cut off. */
export type Http1End = 'idle' | 'complete' | 'truncated';

interface ReaderOptions {
  readonly maxEmptyLines: number;
  readonly sink: Http1PayloadSink | undefined;
}

interface Http1Head extends StartLine {
  readonly headers: FieldBlock;
  fieldsEnd: number;
}

/** What a request reader and a response reader have in common. */
export abstract class Http1Reader<Head extends Http1Head> {
  /** Valid from the moment the state leaves 'head' until `next()`; see {@link readHead} about its bytes. */
  readonly head: Head;
  #state: Http1ReaderState = 'head';
  #failure: Http1Failure | undefined;
  readonly #section: SectionReader;
  readonly #body: BodyReader;

  /** `head.headers` is the block that is filled. */
  protected constructor(head: Head, limits: Http1Limits, options: ReaderOptions) {
    this.head = head;
    this.#section = new SectionReader(head.headers, {
      maxBytes: limits.maxHeadBytes,
      tooLarge: 'head-too-large',
      allowUnderscores: limits.allowUnderscores,
      startLine: head,
      maxStartLineBytes: limits.maxRequestLineBytes,
      maxEmptyLines: options.maxEmptyLines,
    });
    this.#body = new BodyReader(limits, options.sink);
  }

  get state(): Http1ReaderState {
    return this.#state;
  }

  /** Set when `state` is 'failed'. */
  get failure(): Http1Failure | undefined {
    return this.#failure;
  }

  /** The trailer fields of a chunked message that is complete; valid until `next()`. Undefined where there are none. */
  get trailers(): HeaderBlock | undefined {
    const trailers = this.#body.trailers?.fields;
    return this.#state === 'complete' && trailers !== undefined && trailers.count > 0 ? trailers : undefined;
  }

  /** Who gets the payload of bodies. May change between messages. */
  get sink(): Http1PayloadSink | undefined {
    return this.#body.sink;
  }

  set sink(sink: Http1PayloadSink | undefined) {
    this.#body.sink = sink;
  }

  /**
   * Reads a head from `chunk[start..end)` and gives the offset of the first byte behind what it took. Does nothing
   * unless `state` is 'head'.
   *
   * A head that is whole in the chunk is not copied: the ranges of `head` are into the chunk, and whoever reuses the
   * chunk before `next()` calls {@link ownHead} first.
   */
  readHead(chunk: Buffer, start: number, end: number): number {
    if (this.#state !== 'head') return start;
    const section = this.#section;
    const next = section.read(chunk, start, end);
    if (section.outcome === 'reading') return next;
    if (section.outcome === 'refused') {
      this.#fail(section.refusedBy, `line ${section.line}`);
      return next;
    }
    this.head.fieldsEnd = section.fieldsEnd;
    const rule = this.finishHead();
    if (rule !== undefined) this.#fail(rule, 'head');
    return next;
  }

  /**
   * Reads the body from `chunk[start..end)` and gives the offset of the first byte that does not belong to the message.
   * `chunk[start..returned)` is the body as it came, with chunk framing and trailers, and can be forwarded untouched;
   * the payload alone goes to the sink. Does nothing unless `state` is 'body'. When the framing turns out to be broken
   * the state is 'failed', and nothing of this chunk should be forwarded.
   */
  readBody(chunk: Buffer, start: number, end: number): number {
    if (this.#state !== 'body') return start;
    const body = this.#body;
    const next = body.read(chunk, start, end);
    if (body.outcome === 'complete') this.#state = 'complete';
    else if (body.outcome === 'refused') {
      this.#fail(body.refusedBy, 'body');
      return start;
    }
    return next;
  }

  /** Tells that no more bytes come. Ends a body that lasts until the connection closes; a cut-off message stays so. */
  end(): Http1End {
    if (this.#state === 'body' && this.#body.endsAtClose) this.#state = 'complete';
    if (this.#state === 'complete') return 'complete';
    return this.#state === 'head' && !this.#section.begun ? 'idle' : 'truncated';
  }

  /** Whether bytes of a head were read that has not ended: between messages there are none. */
  get headBegun(): boolean {
    return this.#state === 'head' && this.#section.begun;
  }

  /** Copies the head out of the chunk that it was found in, so that the chunk may be reused. */
  ownHead(): void {
    if (this.#state !== 'head' && this.#state !== 'failed') this.#section.own();
  }

  /** Forgets the message and waits for the next head. Only a complete message can be followed by another. */
  next(): void {
    if (this.#state !== 'complete') return;
    this.#section.reset();
    this.#body.trailers?.reset();
    this.#state = 'head';
  }

  /** Works out the head's meaning once all of it is there: gives the rule it breaks, or calls one of the `begin`s. */
  protected abstract finishHead(): Http1Rule | undefined;

  /** The failure of a message in this direction. */
  protected abstract failureOf(rule: Http1Rule, place: string): Http1Failure;

  protected beginNoBody(): undefined {
    this.#state = 'complete';
  }

  protected beginLength(length: number): undefined {
    this.#body.beginLength(length);
    this.#state = length === 0 ? 'complete' : 'body';
  }

  protected beginChunked(): undefined {
    this.#body.beginChunked();
    this.#state = 'body';
  }

  protected beginUntilClose(): undefined {
    this.#body.beginUntilClose();
    this.#state = 'body';
  }

  #fail(rule: Http1Rule, place: string): void {
    this.#state = 'failed';
    this.#failure = this.failureOf(rule, place);
  }
}
