import type { ByteChannel, ChannelOwner } from './channel.ts';
import { TunnelConnection } from './tunnel-client.ts';
import type { TunnelContext, TunnelPeer } from './tunnel-client.ts';

/** So many tunnels to one pod are made because those before them are blocked by streams that are not read. */
const maxBesideBlocked = 16;

/** The tunnels of one pod, by where they lead: (source pod, source identity) is the pod itself. */
export class TunnelPool {
  readonly #context: TunnelContext;
  readonly #byPeer = new Map<string, TunnelConnection[]>();

  constructor(context: TunnelContext) {
    this.#context = context;
  }

  /** Opens a stream to `destination` through a tunnel to `peer`, made where none has room. */
  openStream(peer: TunnelPeer, destination: string, owner: ChannelOwner): ByteChannel {
    const key = `${peer.address} ${peer.identity}`;
    let connections = this.#byPeer.get(key);
    if (connections === undefined) {
      connections = [];
      this.#byPeer.set(key, connections);
    }
    let connection = connections.find((candidate) => candidate.hasRoom && !candidate.isBlocked);
    if (connection === undefined && connections.length >= maxBesideBlocked) {
      connection = connections.find((candidate) => candidate.hasRoom);
    }
    if (connection === undefined) {
      connection = new TunnelConnection(this.#context, peer, (closed) => this.#forget(key, closed));
      connections.push(connection);
    }
    return connection.openStream(destination, owner);
  }

  /** The tunnels that are open. */
  *open(): Generator<TunnelPeer & { readonly streams: number }> {
    for (const connections of this.#byPeer.values()) {
      for (const connection of connections) {
        if (connection.state === 'open') yield { ...connection.peer, streams: connection.streams };
      }
    }
  }

  /** How many connections are there. */
  get size(): number {
    let size = 0;
    for (const connections of this.#byPeer.values()) size += connections.length;
    return size;
  }

  drain(): void {
    for (const connections of this.#byPeer.values()) for (const connection of [...connections]) connection.drain();
  }

  destroy(): void {
    for (const connections of this.#byPeer.values()) for (const connection of [...connections]) connection.destroy();
  }

  #forget(key: string, closed: TunnelConnection): void {
    const left = (this.#byPeer.get(key) ?? []).filter((connection) => connection !== closed);
    if (left.length === 0) this.#byPeer.delete(key);
    else this.#byPeer.set(key, left);
  }
}
