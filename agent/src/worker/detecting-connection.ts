import { detectHttp1, looksLikeTls } from '@tulle/wire';
import type { ByteChannel, ChannelFailure, ChannelOwner, ClientChannel } from './channel.ts';
import { http1Answer } from './http/answers.ts';
import { Http1Client } from './http/http1-client.ts';
import { Http2Client } from './http2/http2-client.ts';
import { LastWords } from './last-words.ts';
import type { ServicePortView } from './mesh-view.ts';
import { OpaqueConnection } from './opaque.ts';
import type { OpaqueTarget } from './opaque.ts';
import type { Pod } from './pod.ts';
import type { PodConnection } from './pod-connections.ts';
import type { Deadline } from './tick.ts';

/** So long a client may be silent on a port of unknown protocol before the server is asked whether it speaks first. */
const silenceMs = 50;
/** So long a client may be silent on a port where HTTP is spoken before its connection is closed. */
const firstByteTimeoutMs = 600_000;
/** So long the first bytes may take to tell what they are, once one has come; as long as the head of a request. */
const beginningTimeoutMs = 10_000;
/** Bytes that are looked at to tell a protocol. */
const maxDetectBytes = 64;

/**
 * What a connection may turn out to be.
 *
 * `anything`: a port of unknown protocol without routes. What is not HTTP is carried as bytes; a client that is silent
 * may wait for the server to speak first, so after a moment it is carried as bytes, too. `http-only`: a port with
 * routes, or one that says it is HTTP. Other bytes would pass the routes by: the HTTP/1.1 reader refuses them. `bytes`:
 * never HTTP, but the application wants TLS, which a client may speak itself.
 */
export type Accepts = 'anything' | 'http-only' | 'bytes';

/** A connection whose first bytes tell which version of HTTP is spoken, or that it is none. */
export class DetectingConnection implements ChannelOwner, PodConnection, Deadline {
  tickerSlot = -1;
  podSlot = -1;
  deadlineMs: number;
  readonly #pod: Pod;
  readonly #client: ClientChannel;
  readonly #frontend: ServicePortView;
  readonly #accepts: Accepts;
  #seen: Buffer | undefined;

  constructor(pod: Pod, client: ClientChannel, frontend: ServicePortView, accepts: Accepts) {
    this.#pod = pod;
    this.#client = client;
    this.#frontend = frontend;
    this.#accepts = accepts;
    client.owner = this;
    // Nor does a server of HTTPS speak first: there, a client that is slow is no client that waits.
    const clientBegins = accepts === 'http-only' || frontend.port.protocol === 'https';
    this.deadlineMs = pod.context.ticker.nowMs + (clientBegins ? firstByteTimeoutMs : silenceMs);
    pod.context.ticker.add(this);
    pod.connections.add(this);
  }

  drain(): void {}

  destroy(): void {
    this.#leave();
    this.#client.reset();
  }

  onDeadline(): void {
    if (this.#accepts !== 'http-only') {
      this.#becomeOpaque();
      return;
    }
    this.#leave();
    const begun = this.#seen !== undefined;
    const words = begun ? http1Answer('header-timeout', { close: true, isHead: false }) : Buffer.alloc(0);
    new LastWords(this.#pod, this.#client, words);
  }

  onOpen(): void {}

  onData(_channel: ByteChannel, chunk: Buffer, start: number, end: number): void {
    const bytes =
      this.#seen === undefined ? chunk.subarray(start, end) : Buffer.concat([this.#seen, chunk.subarray(start, end)]);
    if (this.#accepts === 'bytes') {
      this.#seen = bytes;
      if (looksLikeTls(bytes, 0, bytes.length) !== 'need-more') this.#becomeOpaque();
      return;
    }
    const protocol = detectHttp1(bytes, 0, bytes.length);
    if (protocol === 'need-more' && bytes.length < maxDetectBytes) {
      if (this.#accepts === 'http-only' && this.#seen === undefined) {
        this.deadlineMs = this.#pod.context.ticker.nowMs + beginningTimeoutMs;
      }
      this.#seen = bytes;
      return;
    }
    if (protocol === 'http2-preface' || (protocol === 'other' && speaksHttp2(this.#frontend))) {
      this.#leave();
      new Http2Client(this.#pod, this.#client, this.#frontend).onData(this.#client, bytes, 0, bytes.length);
    } else if (protocol === 'http1' || this.#accepts === 'http-only') {
      this.#leave();
      new Http1Client(this.#pod, this.#client, this.#frontend).onData(this.#client, bytes, 0, bytes.length);
    } else {
      this.#seen = bytes;
      this.#becomeOpaque();
    }
  }

  onEnd(): void {
    if (this.#accepts !== 'http-only') {
      this.#becomeOpaque(true);
      return;
    }
    this.#leave();
    this.#client.end();
  }

  onWritable(): void {}

  onClosed(_channel: ByteChannel, _failure: ChannelFailure | undefined): void {
    this.#leave();
  }

  #becomeOpaque(ended = false): void {
    this.#leave();
    const early = this.#seen;
    const isTls = early !== undefined && looksLikeTls(early, 0, early.length) === 'yes';
    const target: OpaqueTarget = { type: 'service', port: this.#frontend, inner: isTls ? 'as-is' : 'bytes' };
    const opaque = new OpaqueConnection(this.#pod, this.#client, target, { early });
    if (ended) opaque.onEnd(this.#client);
  }

  #leave(): void {
    this.#pod.context.ticker.remove(this);
    this.#pod.connections.delete(this);
  }
}

/** Whether the port says HTTP/2: there, what is no HTTP at all is an invalid preface (RFC 9113 section 3.4). */
function speaksHttp2(frontend: ServicePortView): boolean {
  const { protocol } = frontend.port;
  return protocol === 'http2' || protocol === 'grpc';
}
