import type { HeaderBlock } from '@tulle/core';
import type { CompiledBackend, CompiledMirror } from '@tulle/routing';
import type { ServicePortView } from '../mesh-view.ts';
import type { Pod } from '../pod.ts';
import { MirroredRequest } from './mirror.ts';
import type { RouteChoice } from './route-choice.ts';
import type { HttpVersion, IncomingRequest, OutgoingRequest } from './sides.ts';
import { takeServer } from './take-server.ts';

interface ChosenMirror {
  readonly port: ServicePortView;
  readonly version: HttpVersion;
}

/** The mirrors of the request at hand. One an exchange, reused. */
export class MirrorSet {
  readonly #pod: Pod;
  readonly #chosen: ChosenMirror[] = [];
  readonly #running: MirroredRequest[] = [];

  constructor(pod: Pod) {
    this.#pod = pod;
  }

  /** Whether all of them can take the framing of an HTTP/1.1 client's body as it is. */
  get takesFraming(): boolean {
    for (const { version } of this.#chosen) if (version === 2) return false;
    return true;
  }

  /** Decides which mirrors get the request. */
  choose(mirrors: readonly CompiledMirror[], choice: RouteChoice, incoming: IncomingRequest): void {
    for (const mirror of mirrors) {
      if (!mirror.sample()) continue;
      const { target } = mirror;
      const { mesh, counters } = this.#pod.context;
      const port = target.type === 'service' ? mesh.servicePort(target.service, target.port) : undefined;
      if (port === undefined) counters.add('mirror_without_endpoint');
      else this.#chosen.push({ port, version: choice.serverVersion(port, incoming) });
    }
  }

  /** Sends the head to each of them: the request as it goes to a server of `version`, or the same for the other one. */
  begin(
    incoming: IncomingRequest,
    backend: CompiledBackend | undefined,
    request: OutgoingRequest,
    version: HttpVersion,
  ): void {
    const { counters, ticker } = this.#pod.context;
    for (const chosen of this.#chosen) {
      const endpoint = chosen.port.balancer.pick(ticker.nowMs);
      const head = chosen.version === version ? request.head : incoming.encode(chosen.version, backend);
      const server =
        endpoint === undefined || head === undefined
          ? undefined
          : takeServer(this.#pod, endpoint, chosen.version, false);
      if (head === undefined || server === undefined) {
        counters.add('mirror_without_endpoint');
        continue;
      }
      counters.add('mirrored_requests');
      this.#running.push(new MirroredRequest(this.#pod, server, { ...request, head, payloadOnly: false }));
    }
  }

  send(chunk: Buffer, start: number, end: number): void {
    for (const mirrored of this.#running) mirrored.send(chunk, start, end);
  }

  end(trailers: HeaderBlock | undefined): void {
    for (const mirrored of this.#running) mirrored.end(trailers);
  }

  /** The request is over: mirrors that have all of it go on by themselves. */
  clear(): void {
    if (this.#chosen.length === 0) return;
    for (const mirrored of this.#running) mirrored.abandon();
    this.#running.length = 0;
    this.#chosen.length = 0;
  }
}
