import { podPorts } from '@tulle/linux';
import type { PodSpec } from '../ipc.ts';
import type { Destination } from './addresses.ts';
import type { ByteChannel, ChannelFailure, ChannelOwner } from './channel.ts';
import type { CertificateStore } from './certificates.ts';
import { FailedChannel } from './failed-channel.ts';
import type { Counters } from './measures.ts';
import type { PodConnections } from './pod-connections.ts';
import type { PodGuard } from './pod-guard.ts';
import type { SocketChannel } from './socket-channel.ts';

/** A pod of this worker, as others of its node reach it. */
export interface LocalPod {
  readonly spec: PodSpec;
  readonly guard: Pick<PodGuard, 'allows' | 'admit'>;
  readonly connections: PodConnections;
  connectApplication(to: Destination, source: string, owner: ChannelOwner): ByteChannel;
}

/** What handing over needs of its worker. */
export interface HandoverContext {
  readonly certificates: Pick<CertificateStore, 'get'>;
  readonly counters: Pick<Counters, 'add'>;
}

const reservedPorts: ReadonlySet<number> = new Set(Object.values(podPorts));

/**
 * `same-node: direct`: connections between two captured pods of a node go from one to the other inside the worker, without
 * TLS and HBONE. They never leave the node's memory, but they are not encrypted.
 *
 * What a tunnel proves, the kernel does here: the source is the pod in whose namespace the connection was accepted. All
 * else stays: both pods must hold certificates that are valid, the destination's policies decide at the beginning and
 * whenever they change, and its application sees the client's own address.
 */
export class SameNode {
  readonly #isDirect: boolean;
  readonly #byAddress = new Map<string, LocalPod>();

  constructor(mode: 'tunnel' | 'direct') {
    this.#isDirect = mode === 'direct';
  }

  /** The pod takes connections from now on. */
  add(pod: LocalPod): void {
    if (!this.#isDirect) return;
    for (const address of pod.spec.addresses) this.#byAddress.set(address, pod);
  }

  /** The pod takes no new ones. */
  remove(pod: LocalPod): void {
    for (const address of pod.spec.addresses) {
      if (this.#byAddress.get(address) === pod) this.#byAddress.delete(address);
    }
  }

  /** The pod that has `address` on this node and is who it should be; undefined where a tunnel is to be used. */
  find(address: string, identity: string): LocalPod | undefined {
    const pod = this.#byAddress.get(address);
    return pod?.spec.identity === identity ? pod : undefined;
  }
}

/** A connection between two pods of this worker, as the destination sees it. */
export class LocalConnection {
  readonly identity: string;
  readonly address: string;
  readonly #channel: SocketChannel;

  constructor(source: { readonly identity: string; readonly address: string }, channel: SocketChannel) {
    this.identity = source.identity;
    this.address = source.address;
    this.#channel = channel;
  }

  drain(): void {
    this.#channel.retire();
  }

  destroy(): void {
    this.break('reset');
  }

  /** Ends both sides at once. */
  break(failure: ChannelFailure): void {
    const { owner } = this.#channel;
    this.#channel.reset();
    owner.onClosed(this.#channel, failure);
  }
}

/** Connects the pod `source` to an application of another pod of this worker. */
export function connectLocally(
  source: PodSpec,
  destination: LocalPod,
  to: Destination,
  context: HandoverContext,
  owner: ChannelOwner,
): ByteChannel {
  const { identity } = source;
  const address = addressLike(source, to.address);
  if (reservedPorts.has(to.port)) return new FailedChannel(owner, 'connect-refused');
  if (!isValid(context, identity) || !isValid(context, destination.spec.identity)) {
    return new FailedChannel(owner, 'no-certificate');
  }
  const caller = { identity, address, port: to.port };
  if (!destination.guard.allows(caller)) {
    context.counters.add('local_refused');
    return new FailedChannel(owner, 'policy-denied');
  }
  context.counters.add('local_unencrypted');
  const channel = destination.connectApplication(to, address, owner);
  if (!isSocket(channel)) return channel;
  const connection = new LocalConnection({ identity, address }, channel);
  const forget = destination.guard.admit({ ...caller, revoke: () => connection.break('policy-denied') });
  destination.connections.add(connection);
  channel.onGone = () => {
    forget();
    destination.connections.delete(connection);
  };
  return channel;
}

function isSocket(channel: ByteChannel): channel is SocketChannel {
  return 'onGone' in channel;
}

function isValid({ certificates }: HandoverContext, identity: string): boolean {
  const certificate = certificates.get(identity);
  return certificate !== undefined && certificate.notAfterMs > Date.now();
}

/** The source's address of the destination's family. */
function addressLike({ addresses }: PodSpec, like: string): string {
  const isIPv6 = like.includes(':');
  return addresses.find((address) => address.includes(':') === isIPv6) ?? '';
}
