import type { CompiledMirror } from '@tulle/routing';
import type { Http1ResponseHead } from '@tulle/wire';
import type { Pod } from '../pod.ts';
import type { Deadline } from '../tick.ts';
import type { ResponseReceiver, Upstream } from './upstream.ts';

/** A mirrored request that takes longer than this is given up. */
const mirrorTimeoutMs = 30_000;
/** What is kept for a mirror that is slower than the request before it is given up. */
const maxBehindBytes = 1024 * 1024;

/**
 * The copy of a request that goes to a mirror. Its response is thrown away, and nothing that happens to it reaches the
 * request: a mirror that is slow, full or broken is given up.
 */
export class MirroredRequest implements ResponseReceiver, Deadline {
  deadlineMs: number;
  readonly #pod: Pod;
  #upstream: Upstream | undefined;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #behind = false;
  #ended = false;

  private constructor(pod: Pod, upstream: Upstream) {
    this.#pod = pod;
    this.#upstream = upstream;
    this.deadlineMs = pod.context.ticker.nowMs + mirrorTimeoutMs;
    pod.context.ticker.add(this);
  }

  /** Begins the copy of a request whose head is given; undefined where the mirror has no endpoint that is ready. */
  static begin(
    pod: Pod,
    mirror: CompiledMirror,
    request: { readonly head: Buffer; readonly isHead: boolean },
  ): MirroredRequest | undefined {
    const { target } = mirror;
    const port = target.type === 'service' ? pod.context.mesh.servicePort(target.service, target.port) : undefined;
    const endpoint = port?.balancer.pick(pod.context.ticker.nowMs);
    if (endpoint === undefined) {
      pod.context.counters.add('mirror_without_endpoint');
      return undefined;
    }
    try {
      const mirrored = new MirroredRequest(pod, pod.takeUpstream(endpoint, false));
      mirrored.#upstream?.begin(mirrored, { isHead: request.isHead, upgrade: false });
      mirrored.#upstream?.send(request.head, 0, request.head.length);
      pod.context.counters.add('mirrored_requests');
      return mirrored;
    } catch {
      pod.context.counters.add('mirror_failed');
      return undefined;
    }
  }

  /** A part of the request's body. */
  send(chunk: Buffer, start: number, end: number): void {
    const upstream = this.#upstream;
    if (upstream === undefined) return;
    if (upstream.opened && !this.#behind) {
      this.#behind = !upstream.send(chunk, start, end);
      return;
    }
    this.#waitingBytes += end - start;
    if (this.#waitingBytes > maxBehindBytes) {
      this.#giveUp();
      return;
    }
    this.#waiting.push(chunk.subarray(start, end));
  }

  /** The request's last byte was given. */
  end(): void {
    this.#ended = true;
    this.#drain();
  }

  /** The request broke off. */
  abandon(): void {
    if (!this.#ended) this.#giveUp();
  }

  onUpstreamOpen(): void {
    this.#drain();
  }

  onUpstreamWritable(): void {
    this.#behind = false;
    this.#drain();
  }

  #drain(): void {
    const upstream = this.#upstream;
    if (upstream === undefined || !upstream.opened) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    for (const chunk of waiting) this.#behind = !upstream.send(chunk, 0, chunk.length);
    if (this.#ended) upstream.endRequest();
  }

  onResponseHead(_head: Http1ResponseHead): void {}
  onResponseBody(): void {}
  onResponsePause(): void {}

  onResponseEnd(): void {
    const upstream = this.#upstream;
    this.#forget();
    if (!this.#ended) upstream?.reset();
  }

  onUpgraded(): void {
    this.#giveUp();
  }

  onUpstreamFailure(): void {
    this.#forget();
  }

  onDeadline(): void {
    this.#giveUp();
  }

  #giveUp(): void {
    const upstream = this.#upstream;
    this.#forget();
    upstream?.reset();
    this.#pod.context.counters.add('mirror_given_up');
  }

  #forget(): void {
    this.#upstream = undefined;
    this.#waiting = [];
    this.#pod.context.ticker.remove(this);
  }
}
