import type { BalancedEndpoint } from '@tulle/routing';
import { hostPort } from './addresses.ts';
import type { ByteChannel, ChannelFailure, ChannelOwner } from './channel.ts';
import { ConnectionRecord } from './connection-record.ts';
import type { ConnectionReason } from './connection-record.ts';
import type { ServicePortView } from './mesh-view.ts';
import type { Pod } from './pod.ts';
import type { PodConnection } from './pod-connections.ts';
import { Splice } from './splice.ts';
import type { Deadline } from './tick.ts';

/**
 * Where an opaque connection leads: one address, or whichever endpoint of a Service port. There, `bytes` are sent in TLS
 * where the port's application wants that; `as-is` goes as the client speaks.
 */
export type OpaqueTarget =
  | { readonly type: 'address'; readonly address: string; readonly port: number }
  | { readonly type: 'service'; readonly port: ServicePortView; readonly inner: 'bytes' | 'as-is' };

/** What is known of a connection before it is carried. */
export interface OpaqueBeginning {
  /** Bytes that were read from the client already. */
  readonly early?: Buffer | undefined;
  /** Made anew where there is none. */
  readonly record?: ConnectionRecord;
}

const maxAttempts = 3;
/** So much of what the client says is read before the server has accepted; behind it, its end would not be seen. */
const maxEarlyBytes = 16 * 1024;
/** So long a server is sought for a client that has said all: it waits for an answer, or it has gone. */
const endedClientMs = 10_000;

/**
 * A connection of the pod's application that is carried as bytes. Of the client little is read until the server has
 * accepted, and all of that is kept, so another endpoint can be tried when one does not answer.
 */
export class OpaqueConnection implements ChannelOwner, PodConnection, Deadline {
  tickerSlot = -1;
  podSlot = -1;
  deadlineMs = Number.POSITIVE_INFINITY;
  readonly #pod: Pod;
  readonly #client: ByteChannel;
  readonly #target: OpaqueTarget;
  readonly #record: ConnectionRecord;
  #early: Buffer | undefined;
  #clientEnded = false;
  #server: ByteChannel | undefined;
  #endpoint: BalancedEndpoint | undefined;
  #splice: Splice | undefined;
  #attempts = 0;
  #startedMs = 0;
  /** What the endpoint took to accept. */
  #connectMs = 0;
  #avoid: BalancedEndpoint | undefined;

  constructor(pod: Pod, client: ByteChannel, target: OpaqueTarget, beginning: OpaqueBeginning = {}) {
    this.#pod = pod;
    this.#client = client;
    this.#target = target;
    this.#early = beginning.early;
    this.#record =
      beginning.record ?? new ConnectionRecord(pod, target.type === 'service' ? target.port : undefined, 'tcp');
    client.owner = this;
    this.#keepReading();
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
    this.#finish('reset');
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
      this.#client.reset();
      this.#finish('no-healthy-endpoint');
    }
  }

  #open(): ByteChannel | undefined {
    const { mesh, ticker } = this.#pod.context;
    if (this.#target.type === 'address') {
      // What is in the mesh has the timeouts of tunnels; elsewhere clients wait as long as they would without it.
      return this.#pod.connectWorkload(this.#target, mesh.workloadAt(this.#target.address), this);
    }
    const picked = this.#target.port.balancer.pick(ticker.nowMs, this.#avoid);
    if (picked === undefined) return undefined;
    this.#endpoint = picked;
    picked.begin();
    this.#record.endpoint = hostPort(picked.endpoint.address, picked.endpoint.port);
    return this.#pod.connectEndpoint(picked, this.#target.inner, this);
  }

  onOpen(channel: ByteChannel): void {
    if (channel !== this.#server) return;
    const splice = new Splice(this.#client, channel, (failure) => this.#finish(failure === undefined ? '' : 'reset'));
    this.#splice = splice;
    this.#pod.context.ticker.remove(this);
    this.#client.resume();
    this.#connectMs = Math.max(0, this.#pod.context.ticker.nowMs - this.#startedMs);
    if (this.#early !== undefined) splice.onData(this.#client, this.#early, 0, this.#early.length);
    this.#early = undefined;
    if (this.#clientEnded) channel.end();
  }

  onData(channel: ByteChannel, chunk: Buffer, start: number, end: number): void {
    if (channel !== this.#client) return;
    const bytes = chunk.subarray(start, end);
    this.#early = this.#early === undefined ? bytes : Buffer.concat([this.#early, bytes]);
    this.#keepReading();
  }

  #keepReading(): void {
    if (this.#early !== undefined && this.#early.length >= maxEarlyBytes) this.#client.pause();
  }

  onEnd(channel: ByteChannel): void {
    if (channel !== this.#client || !this.#pod.connections.has(this)) return;
    this.#clientEnded = true;
    const { ticker } = this.#pod.context;
    this.deadlineMs = ticker.nowMs + endedClientMs;
    ticker.add(this);
  }

  onDeadline(): void {
    this.#server?.reset();
    this.#client.reset();
    this.#finish('client-closed');
  }

  onWritable(): void {}

  onClosed(channel: ByteChannel, failure: ChannelFailure | undefined): void {
    if (channel === this.#client) {
      this.#server?.reset();
      this.#finish('client-closed');
      return;
    }
    this.#endpoint?.finish(this.#pod.context.ticker.nowMs, 0, 'failure');
    this.#avoid = this.#endpoint;
    this.#endpoint = undefined;
    this.#server = undefined;
    if (this.#attempts < maxAttempts && this.#wantsAnother(failure)) {
      this.#connect();
      return;
    }
    this.#client.reset();
    this.#finish(reasonOf(failure));
  }

  /** An address has no other endpoint; but where no answer came, one packet may have been lost. */
  #wantsAnother(failure: ChannelFailure | undefined): boolean {
    if (failure === 'policy-denied') return false;
    if (this.#target.type === 'service') return true;
    return failure === 'connect-timeout' && this.#pod.context.mesh.workloadAt(this.#target.address) !== undefined;
  }

  #finish(reason: ConnectionReason): void {
    const { nowMs } = this.#pod.context.ticker;
    // Once the endpoint has accepted it works, whoever breaks the connection later, and however long that takes.
    this.#endpoint?.finish(nowMs, this.#connectMs, this.#splice === undefined ? 'cancelled' : 'success');
    this.#record.finish(reason, this.#splice?.sentBytes, this.#splice?.receivedBytes);
    this.#endpoint = undefined;
    this.#pod.context.ticker.remove(this);
    this.#pod.connections.delete(this);
  }
}

function reasonOf(failure: ChannelFailure | undefined): ConnectionReason {
  switch (failure) {
    case 'policy-denied':
    case 'backend-tls':
    case 'connect-timeout':
      return failure;
    case 'connect-refused':
    case 'connect-failed':
    case 'peer-identity':
    case 'no-certificate':
    case 'reset':
    case 'tunnel-closed':
    case undefined:
      return 'connect-failed';
  }
}
