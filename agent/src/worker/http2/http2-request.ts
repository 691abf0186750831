import { isIdempotentMethod } from '@tulle/routing';
import type { CompiledBackend } from '@tulle/routing';
import type { Http2RequestHead } from '@tulle/wire';
import { Http2Headers } from '@tulle/wire';
import { writeHttp2Request } from '../http/from-http2.ts';
import type { HttpVersion, IncomingRequest, ResponseHead, UpgradeRequest } from '../http/sides.ts';
import { fieldText, isWebSocket, newWebSocketKey, websocketAccept, websocketAcceptName } from '../http/websocket.ts';
import type { WorkerContext } from '../worker-context.ts';
import { encodeRequest, isGrpc } from './heads.ts';

/** The request of an HTTP/2 stream. */
export class Http2IncomingRequest implements IncomingRequest {
  readonly version = 2;
  readonly takesFraming = false;
  readonly isHead: boolean;
  readonly isIdempotent: boolean;
  readonly isGrpc: boolean;
  readonly upgrade: UpgradeRequest;
  readonly lengthUnknown: boolean;
  ended: boolean;
  readonly #context: WorkerContext;
  #head: Http2RequestHead | undefined;
  #websocketKey: string | undefined;

  /** `head` is valid until {@link forgetHead}. */
  constructor(context: WorkerContext, head: Http2RequestHead, ended: boolean) {
    const { headers } = head;
    this.#context = context;
    this.#head = head;
    this.ended = ended;
    this.isHead = headers.isHead;
    this.isGrpc = isGrpc(headers);
    this.isIdempotent = isIdempotentMethod(head);
    this.upgrade = upgradeOf(headers);
    this.lengthUnknown = headers.contentLength < 0;
  }

  get head(): Http2RequestHead {
    return this.#head as Http2RequestHead;
  }

  /** The head is gone: the next one is read into the same place. */
  forgetHead(): void {
    this.#head = undefined;
  }

  encode(version: HttpVersion, backend: CompiledBackend | undefined): Buffer | undefined {
    const { encoder, writer } = this.#context;
    const { head } = this;
    // Kept for as long as the request may be sent again.
    if (version === 2) return Buffer.from(encodeRequest(encoder, head.headers, head, backend));
    this.#websocketKey = this.upgrade === 'websocket' ? newWebSocketKey() : undefined;
    const facts = { ended: this.ended, websocketKey: this.#websocketKey };
    return writeHttp2Request(writer, head, backend, facts) ? writer.take() : undefined;
  }

  acceptsSwitch(head: ResponseHead): boolean {
    if (head instanceof Http2Headers) return true;
    const key = this.#websocketKey;
    return key === undefined || fieldText(head.headers, websocketAcceptName) === websocketAccept(key);
  }
}

function upgradeOf(headers: Http2Headers): UpgradeRequest {
  const { protocol } = headers;
  if (protocol < 0) return 'none';
  const isKnown = isWebSocket(headers.buffer, headers.valueStart(protocol), headers.valueEnd(protocol));
  return isKnown ? 'websocket' : 'other';
}
