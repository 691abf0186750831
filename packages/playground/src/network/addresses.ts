import { createHash } from 'node:crypto';

/** The nodes of a playground: their names, their addresses on the bridge, and the /24 their pods are in. */
export const nodes = [
  { name: 'n1', address: '10.89.0.11', podGateway: '10.244.1.1', podPrefix: '10.244.1.' },
  { name: 'n2', address: '10.89.0.12', podGateway: '10.244.2.1', podPrefix: '10.244.2.' },
] as const;

/** A node's place in the network. */
export type NodeAddress = (typeof nodes)[number];

/** Where the controller listens: the bridge's own address. */
export const fabricAddress = '10.89.0.1';
/** Where names are resolved; every pod's resolv.conf says so. */
export const dnsAddress = '10.96.0.10';
/** Services get addresses of this range, 10.96.0.0/16. */
const servicePrefix = '10.96.';

/** The node of this name, or undefined. */
export function findNode(name: string): NodeAddress | undefined {
  return nodes.find((node) => node.name === name);
}

/**
 * Gives pods the addresses of their node's /24, in turn, so that an address that was given back is not used again
 * before the others have been.
 */
export class PodAddresses {
  readonly #used = new Map<string, Set<number>>();
  readonly #next = new Map<string, number>();

  /** An address of the node, or undefined when all 253 are taken. */
  take(node: NodeAddress): string | undefined {
    const used = this.#used.get(node.name) ?? new Set<number>();
    this.#used.set(node.name, used);
    let candidate = this.#next.get(node.name) ?? 2;
    for (let tries = 0; tries < 253; tries++) {
      const last = candidate;
      candidate = candidate === 254 ? 2 : candidate + 1;
      if (used.has(last)) continue;
      used.add(last);
      this.#next.set(node.name, candidate);
      return `${node.podPrefix}${last}`;
    }
    return undefined;
  }

  /** Makes an address free again. */
  release(address: string): void {
    const node = nodes.find((each) => address.startsWith(each.podPrefix));
    if (node !== undefined) this.#used.get(node.name)?.delete(Number(address.slice(node.podPrefix.length)));
  }
}

/** A Service that wants an address: its key `NS/NAME` and its `spec.clusterIP`. */
export interface ClusterIpRequest {
  readonly key: string;
  readonly asked: string | undefined;
}

/** What was given, by key, and why a Service got none. */
export interface ClusterIpAllocation {
  readonly addresses: ReadonlyMap<string, string>;
  readonly refused: ReadonlyMap<string, string>;
}

/**
 * Gives each Service an address. An address that was asked for is honoured, or refused when another Service holds it or
 * it is outside 10.96.0.0/16. The others keep what they hold in `held`; a new one gets an address that depends on its
 * name, so that the same manifests get the same addresses in every playground.
 */
export function allocateClusterIps(
  requests: readonly ClusterIpRequest[],
  held: ReadonlyMap<string, string>,
): ClusterIpAllocation {
  const addresses = new Map<string, string>();
  const refused = new Map<string, string>();
  const owners = new Map<string, string>([[dnsAddress, "the playground's DNS"]]);
  const give = (key: string, address: string) => {
    addresses.set(key, address);
    owners.set(address, `Service ${key}`);
  };
  const ordered = [...requests].sort((a, b) => (a.key < b.key ? -1 : 1));
  for (const { key, asked } of ordered) {
    // Who holds an address keeps it, whoever asks for it later.
    const holds = held.get(key);
    if (holds !== undefined && (asked === undefined || asked === holds) && !owners.has(holds)) give(key, holds);
  }
  for (const { key, asked } of ordered) {
    if (asked === undefined || addresses.has(key)) continue;
    if (!isServiceAddress(asked)) {
      refused.set(key, `spec.clusterIP: ${asked} is not an address of 10.96.0.0/16`);
      continue;
    }
    const owner = owners.get(asked);
    if (owner !== undefined) refused.set(key, `spec.clusterIP: ${asked} is already the address of ${owner}`);
    else give(key, asked);
  }
  for (const { key, asked } of ordered) {
    if (asked !== undefined || addresses.has(key)) continue;
    const address = freeAddress(key, owners);
    if (address === undefined) refused.set(key, 'every address of 10.96.0.0/16 is taken');
    else give(key, address);
  }
  return { addresses, refused };
}

function isServiceAddress(address: string): boolean {
  const match = /^10\.96\.(\d{1,3})\.(\d{1,3})$/.exec(address);
  if (match === null) return false;
  const [high, low] = [Number(match[1]), Number(match[2])];
  return high <= 255 && low <= 255 && `${servicePrefix}${high}.${low}` === address && high * 256 + low !== 0;
}

/** 10.96.0.0/24 is left to those who ask for an address by number. */
const firstOffset = 256;
const lastOffset = 65_534;

function freeAddress(key: string, owners: ReadonlyMap<string, string>): string | undefined {
  const span = lastOffset - firstOffset + 1;
  const start = createHash('sha256').update(key).digest().readUInt32BE(0) % span;
  for (let step = 0; step < span; step++) {
    const offset = firstOffset + ((start + step) % span);
    const address = `${servicePrefix}${offset >> 8}.${offset & 255}`;
    if (!owners.has(address)) return address;
  }
  return undefined;
}
