import type { RequestHead } from '@tulle/core';
import type { MeshService } from '@tulle/ir';
import { isIdempotentMethod } from '@tulle/routing';
import type { CompiledBackend } from '@tulle/routing';
import { methodCode, writeRequestHead } from '@tulle/wire';
import type { Http1RequestReader } from '@tulle/wire';
import { encodeHttp1Request } from '../http2/from-http1.ts';
import type { WorkerContext } from '../worker-context.ts';
import { dropNamesOf, RequestEdits } from './edits.ts';
import type { HttpVersion, IncomingRequest, UpgradeRequest } from './sides.ts';
import { isWebSocket } from './websocket.ts';

/** The request that an HTTP/1.1 connection has read last; one object a connection. */
export class Http1IncomingRequest implements IncomingRequest {
  readonly version = 1;
  readonly isGrpc = false;
  readonly #context: WorkerContext;
  readonly #reader: Http1RequestReader;
  readonly #service: MeshService;
  readonly #edits = new RequestEdits();

  /** `service` is what the client connected to. */
  constructor(context: WorkerContext, reader: Http1RequestReader, service: MeshService) {
    this.#context = context;
    this.#reader = reader;
    this.#service = service;
  }

  get head(): RequestHead {
    return this.#reader.head;
  }

  get isHead(): boolean {
    return this.#reader.head.method === methodCode.HEAD;
  }

  get isIdempotent(): boolean {
    return isIdempotentMethod(this.#reader.head);
  }

  get upgrade(): UpgradeRequest {
    const { upgrade, headers, upgradeStart, upgradeEnd } = this.#reader.head;
    if (!upgrade) return 'none';
    return isWebSocket(headers.buffer, upgradeStart, upgradeEnd) ? 'websocket' : 'other';
  }

  get ended(): boolean {
    return this.#reader.state === 'complete';
  }

  get lengthUnknown(): boolean {
    return this.#reader.head.bodyKind === 'chunked';
  }

  get takesFraming(): boolean {
    return this.#reader.head.versionMinor === 1;
  }

  encode(version: HttpVersion, backend: CompiledBackend | undefined): Buffer {
    const { head } = this.#reader;
    const { writer, encoder } = this.#context;
    if (version === 2) {
      const websocket = this.upgrade === 'websocket';
      const hasAuthority = head.authorityEnd > head.authorityStart;
      // A client of HTTP/1.0 may leave it out; servers of HTTP/2 refuse that.
      const authority = hasAuthority ? undefined : Buffer.from(`${this.#service.name}.${this.#service.namespace}`);
      return Buffer.from(encodeHttp1Request(encoder, head, backend, { websocket, authority }));
    }
    const edits = this.#edits;
    const headers = backend?.requestHeaders;
    const rewrite = backend?.rewrite;
    edits.dropNames = dropNamesOf(headers);
    edits.append = headers?.append;
    edits.target = rewrite?.target?.build(head);
    edits.host = rewrite?.host;
    writeRequestHead(writer, head, edits);
    return writer.take();
  }

  /** The client compares the answer to its key itself. */
  acceptsSwitch(): boolean {
    return true;
  }
}
