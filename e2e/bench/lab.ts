import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { PodStatusView } from '@tulle/playground';
import type { Placement } from './cases.ts';
import { Ground } from './ground.ts';
import { bulkService, namespaces, podManifest, routedService, serviceAddresses } from './manifests.ts';
import type { Manifest } from './manifests.ts';
import type { PeerName } from './model.ts';
import type { LoadTarget } from './load/target.ts';
import { backendPrograms } from './peers/backend.ts';
import { envoyPair } from './peers/envoy.ts';
import { haproxyPair } from './peers/haproxy.ts';
import { backendPorts, firstPorts, tunnelPorts } from './peers/peer.ts';
import type { Destination, PeerSetup, ProxyPair } from './peers/peer.ts';
import { writePki } from './pki.ts';
import type { PkiFiles } from './pki.ts';

/** The playground of a benchmark. */
export const labName = 'bench';

const pairs: { readonly [name in PeerName]?: ProxyPair } = {
  envoy: envoyPair('envoy'),
  'envoy-tcp': envoyPair('envoy-tcp'),
  haproxy: haproxyPair,
};

/** The processes of a peer's two hops; both empty for `direct`. */
export interface Hops {
  readonly first: readonly number[];
  /** Empty, too, where the first hop's process is also the second. */
  readonly second: readonly number[];
}

/** What the lab is built with. */
export interface LabOptions {
  readonly peers: readonly PeerName[];
  readonly workers: number;
  /** How Tulle connects pods of one node. */
  readonly sameNode: 'tunnel' | 'direct';
  /** Envoy's program; only asked for where an Envoy is among the peers. */
  readonly envoy: string;
  readonly log: (line: string) => void;
}

/** The pods of one peer. */
interface PeerPods {
  readonly client: PodStatusView;
  readonly across: PodStatusView;
  readonly 'same-node': PodStatusView;
}

/**
 * The benchmark's playground: for each peer a client's pod on n1 and a server's pod on n2 and on n1. The proxies of the
 * peers run in the pods, as sidecars do, and are handed their connections: no redirect is in their way.
 */
export class Lab implements AsyncDisposable {
  readonly ground: Ground;
  readonly pki: PkiFiles;
  readonly peers: readonly PeerName[];
  readonly #pods: ReadonlyMap<PeerName, PeerPods>;

  private constructor(ground: Ground, pki: PkiFiles, pods: ReadonlyMap<PeerName, PeerPods>) {
    this.ground = ground;
    this.pki = pki;
    this.#pods = pods;
    this.peers = [...pods.keys()];
  }

  /** Starts everything, and waits until it is ready. */
  static async start(options: LabOptions): Promise<Lab> {
    const mesh = options.peers.includes('tulle');
    options.log(`starting the playground with ${options.peers.join(', ')}`);
    const setups = new Map<PeerName, PeerSetup>();
    let pki: PkiFiles | undefined;
    const ground = await Ground.start(
      { name: labName, mesh, workers: options.workers, sameNode: options.sameNode, log: options.log },
      (directory) => {
        pki = writePki(join(directory, 'pki'));
        for (const peer of options.peers) {
          const own = join(directory, peer);
          mkdirSync(own);
          setups.set(peer, { pki, directory: own, envoy: options.envoy });
        }
        return {
          '10-servers.yaml': [...setups].flatMap(([peer, setup]) => serverPods(peer, setup)),
          ...(mesh ? { '20-mesh.yaml': [podManifest(podOf('tulle', 'client'), []), ...meshServices()] } : {}),
        };
      },
    );
    try {
      const clients: Manifest[] = [];
      for (const [peer, setup] of setups) {
        if (peer === 'tulle') continue;
        const [across, local] = await Promise.all([
          ground.pod(podKey(peer, 'server')),
          ground.pod(podKey(peer, 'local')),
        ]);
        const first = pairs[peer]?.first(setup, { across: across.ip, 'same-node': local.ip });
        clients.push(podManifest(podOf(peer, 'client'), first === undefined ? [] : [first]));
      }
      await ground.add('30-clients.yaml', clients);
      const pods = new Map<PeerName, PeerPods>();
      for (const peer of options.peers) {
        const [client, across, local] = await Promise.all(
          (['client', 'server', 'local'] as const).map((role) => ground.pod(podKey(peer, role))),
        );
        if (client !== undefined && across !== undefined && local !== undefined)
          pods.set(peer, { client, across, 'same-node': local });
      }
      if (pki === undefined) throw new Error('the files were not asked for');
      return new Lab(ground, pki, pods);
    } catch (error) {
      await ground[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Where a client of the peer sends to, to reach the backends by the peer's way. */
  target(peer: PeerName, destination: Destination): LoadTarget {
    const pods = this.#podsOf(peer);
    const { netns } = pods.client;
    switch (peer) {
      case 'direct': {
        const server = destination === 'same-node' ? pods['same-node'] : pods.across;
        return { netns, host: server.ip, port: directPort(destination) };
      }
      case 'tulle':
        return { netns, host: serviceAddresses[destination], port: destination === 'bulk' ? backendPorts.bulk : 80 };
      case 'envoy':
      case 'envoy-tcp':
      case 'haproxy':
        return { netns, host: '127.0.0.1', port: firstPorts[destination] };
    }
  }

  /** Where a second proxy listens, for a client that leaves the first one out; undefined where there is no such thing. */
  tunnel(peer: PeerName): LoadTarget | undefined {
    if (pairs[peer] === undefined) return undefined;
    const pods = this.#podsOf(peer);
    return { netns: pods.client.netns, host: pods.across.ip, port: tunnelPorts.v1 };
  }

  /** The processes that carry the peer's requests now. */
  hops(peer: PeerName, placement: Placement): Hops {
    if (peer === 'direct') return { first: [], second: [] };
    if (peer === 'tulle') {
      const agents = (placement === 'across' ? ['n1', 'n2'] : ['n1']).map((node) => this.ground.agent(node));
      const [first = [], second = []] = agents.map(({ main, workers }) => [main, ...workers]);
      return { first, second };
    }
    const pods = this.#podsOf(peer);
    const name = pairs[peer]?.processName ?? '';
    const hops = {
      first: this.ground.processesIn(pods.client, name),
      second: this.ground.processesIn(pods[placement], name),
    };
    if (hops.first.length === 0 || hops.second.length === 0) throw new Error(`no process of ${peer} is there`);
    return hops;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.ground[Symbol.asyncDispose]();
  }

  #podsOf(peer: PeerName): PeerPods {
    const pods = this.#pods.get(peer);
    if (pods === undefined) throw new Error(`${peer} is not in this lab`);
    return pods;
  }
}

function directPort(destination: Destination): number {
  if (destination === 'bulk') return backendPorts.bulk;
  return destination === 'h2' ? backendPorts.h2v1 : backendPorts.v1;
}

type Role = 'client' | 'server' | 'local';

function podOf(peer: PeerName, role: Role) {
  const namespace = peer === 'tulle' ? namespaces.meshed : namespaces.plain;
  return { namespace, name: `${role}-${peer}`, node: role === 'server' ? 'n2' : 'n1' };
}

function podKey(peer: PeerName, role: Role): string {
  const pod = podOf(peer, role);
  return `${pod.namespace}/${pod.name}`;
}

function serverPods(peer: PeerName, setup: PeerSetup): Manifest[] {
  const second = pairs[peer]?.second(setup);
  return (['server', 'local'] as const).map((role) => {
    const backend = backendPrograms(join(setup.directory, role));
    return podManifest(podOf(peer, role), [...backend, ...(second === undefined ? [] : [second])]);
  });
}

function meshServices(): Manifest[] {
  return [
    ...routedService('far', podOf('tulle', 'server').name, serviceAddresses.across),
    ...routedService('near', podOf('tulle', 'local').name, serviceAddresses['same-node']),
    ...routedService('h2', podOf('tulle', 'server').name, serviceAddresses.h2, 'h2'),
    bulkService(podOf('tulle', 'server').name),
  ];
}
