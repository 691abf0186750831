import type { BalancedEndpoint } from '@tulle/routing';
import type { ByteChannel, ChannelFailure, ChannelOwner } from './channel.ts';
import type { ServicePortView } from './mesh-view.ts';
import type { Pod, PodConnection } from './pod.ts';
import { Splice } from './splice.ts';

/** Where an opaque connection leads: one address, or whichever endpoint of a Service port. */
export type OpaqueTarget =
  | { readonly type: 'address'; readonly address: string; readonly port: number }
  | { readonly type: 'service'; readonly port: ServicePortView };

const connectTimeoutMs = 10_000;
const maxAttempts = 3;

/**
 * A connection of the pod's application that is carried as bytes. Nothing is read from the client until the server has
 * accepted, so another endpoint can be tried when one does not answer.
 */
export class OpaqueConnection implements ChannelOwner, PodConnection {
  readonly #pod: Pod;
  readonly #client: ByteChannel;
  readonly #target: OpaqueTarget;
  #early: Buffer | undefined;
  #clientEnded = false;
  #server: ByteChannel | undefined;
  #endpoint: BalancedEndpoint | undefined;
  #splice: Splice | undefined;
  #attempts = 0;
  #startedMs = 0;

  /** `early` are bytes that were read from the client already. */
  constructor(pod: Pod, client: ByteChannel, target: OpaqueTarget, early?: Buffer) {
    this.#pod = pod;
    this.#client = client;
    this.#target = target;
    this.#early = early;
    client.owner = this;
    client.pause();
    pod.connections.add(this);
    this.#connect();
  }

  drain(): void {}

  destroy(): void {
    if (this.#splice !== undefined) {
      this.#splice.reset();
      return;
    }
    this.#server?.reset();
    this.#client.reset();
    this.#finish(false);
  }

  #connect(): void {
    this.#attempts += 1;
    this.#startedMs = this.#pod.context.ticker.nowMs;
    try {
      this.#server = this.#open();
    } catch (error) {
      this.#pod.context.log.warn('a socket could not be made in a pod', { error: String(error) });
    }
    if (this.#server === undefined) {
      this.#pod.context.counters.add('outbound_no_endpoint');
      this.#client.reset();
      this.#finish(false);
    }
  }

  #open(): ByteChannel | undefined {
    const { mesh, ticker } = this.#pod.context;
    if (this.#target.type === 'address') {
      return this.#pod.connectWorkload(this.#target, mesh.workloadAt(this.#target.address), connectTimeoutMs, this);
    }
    const picked = this.#target.port.balancer.pick(ticker.nowMs);
    if (picked === undefined) return undefined;
    this.#endpoint = picked;
    picked.begin();
    const { endpoint } = picked;
    const workload = endpoint.workload === undefined ? undefined : mesh.workload(endpoint.workload);
    return this.#pod.connectWorkload(endpoint, workload, connectTimeoutMs, this);
  }

  onOpen(channel: ByteChannel): void {
    if (channel !== this.#server) return;
    const splice = new Splice(this.#client, channel, (failure) => this.#finish(failure === undefined));
    this.#splice = splice;
    if (this.#early !== undefined) splice.onData(this.#client, this.#early, 0, this.#early.length);
    this.#early = undefined;
    if (this.#clientEnded) channel.end();
    this.#client.resume();
  }

  onData(channel: ByteChannel, chunk: Buffer, start: number, end: number): void {
    if (channel !== this.#client) return;
    const bytes = chunk.subarray(start, end);
    this.#early = this.#early === undefined ? bytes : Buffer.concat([this.#early, bytes]);
  }

  onEnd(channel: ByteChannel): void {
    if (channel === this.#client) this.#clientEnded = true;
  }

  onWritable(): void {}

  onClosed(channel: ByteChannel, failure: ChannelFailure | undefined): void {
    if (channel === this.#client) {
      this.#server?.reset();
      this.#finish(false);
      return;
    }
    this.#endpoint?.finish(this.#pod.context.ticker.nowMs, 0, 'failure');
    this.#endpoint = undefined;
    this.#server = undefined;
    const mayTryAnother =
      this.#target.type === 'service' && failure !== 'policy-denied' && this.#attempts < maxAttempts;
    if (mayTryAnother) {
      this.#connect();
      return;
    }
    this.#pod.context.counters.add('outbound_connect_failed');
    this.#client.reset();
    this.#finish(false);
  }

  #finish(well: boolean): void {
    const { nowMs } = this.#pod.context.ticker;
    this.#endpoint?.finish(nowMs, Math.max(0, nowMs - this.#startedMs), well ? 'success' : 'failure');
    this.#endpoint = undefined;
    this.#pod.connections.delete(this);
  }
}
