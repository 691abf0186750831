import type { PeerName } from '../model.ts';
import type { PkiFiles } from '../pki.ts';

/** Ports of the backends and of iperf3 in every server pod. `v2` gets one request in ten; `h2` speak HTTP/2 in plaintext. */
export const backendPorts = { v1: 8081, v2: 8082, h2v1: 8083, h2v2: 8084, bulk: 5201 } as const;

/** Ports of a peer's second proxy, in the server's pod: one for each backend. */
export const tunnelPorts = { v1: 15_108, v2: 15_109, bulk: 15_110, h2v1: 15_111, h2v2: 15_112 } as const;

/** Ports of a peer's first proxy in the client's pod. */
export const firstPorts = { across: 9000, 'same-node': 9001, bulk: 9002, h2: 9003 } as const;

/** Where a client can be sent to: a routed HTTP service on the other node or its own, plain TCP, or routed HTTP/2. */
export type Destination = keyof typeof firstPorts;

/** The header that the first proxy sets on every request, and its value. */
export const routeHeader = { name: 'x-bench-route', value: 'routed' } as const;

/** Requests with this header go to `v2`, whatever the weights. */
export const matchHeader = { name: 'x-team', value: 'qa' } as const;

/** Shares of `v1` and `v2`. */
export const weights = { v1: 90, v2: 10 } as const;

/** A program in a pod. */
export interface PodProgram {
  readonly name: string;
  readonly command: readonly string[];
  /** It is ready when these accept. */
  readonly ports: readonly number[];
}

/** Files and addresses that a proxy's configuration is made from. */
export interface PeerSetup {
  readonly pki: PkiFiles;
  /** The directory of the peer's own files; it exists. */
  readonly directory: string;
  /** The path of Envoy's program. */
  readonly envoy: string;
}

/** The server pods of a peer. */
export interface ServerAddresses {
  readonly across: string;
  readonly 'same-node': string;
}

/** A pair of proxies that runs in the client's and the server's pod. */
export interface ProxyPair {
  readonly name: PeerName;
  /** What /proc/PID/stat calls its processes. */
  readonly processName: string;
  /** The proxy beside the backends. */
  second(setup: PeerSetup): PodProgram;
  /** The proxy beside the client. */
  first(setup: PeerSetup, servers: ServerAddresses): PodProgram;
}
