import { join } from 'node:path';
import { TestCa } from '@tulle/testkit';
import type { PodStatusView } from '@tulle/playground';
import { Ground } from '../ground.ts';
import { namespaces, podManifest, serviceManifest } from '../manifests.ts';
import type { Manifest } from '../manifests.ts';
import type { LoadTarget } from '../load/target.ts';
import { originPrograms } from './backend.ts';
import { policyManifests, tlsHostname } from './catalogue-behaviour.ts';
import type { Feature, GroundName } from './model.ts';
import { backends, originPorts } from './routes.ts';

const flagsOf: { readonly [name in GroundName]: readonly string[] } = {
  shared: [],
  'log-all': ['--access-log', 'all'],
  'log-off': ['--access-log', 'off'],
};

/** One playground with the rows that belong to it. */
export interface FeatureGround {
  readonly ground: Ground;
  /** The playground's name. */
  readonly name: string;
  readonly client: PodStatusView;
  readonly stranger: PodStatusView;
  readonly mirror: PodStatusView;
}

/** The playgrounds of the rows: one for all, and one for each setting of a whole agent. */
export class FeatureLab implements AsyncDisposable {
  readonly #grounds: ReadonlyMap<GroundName, FeatureGround>;
  readonly #addresses: ReadonlyMap<string, string>;

  private constructor(grounds: ReadonlyMap<GroundName, FeatureGround>, addresses: ReadonlyMap<string, string>) {
    this.#grounds = grounds;
    this.#addresses = addresses;
  }

  /** Starts all that the rows need, and waits until it is ready. */
  static async start(features: readonly Feature[], log: (line: string) => void): Promise<FeatureLab> {
    const grounds = new Map<GroundName, FeatureGround>();
    const addresses = new Map<string, string>();
    try {
      for (const name of new Set(features.map((feature) => feature.ground))) {
        const own = features.filter((feature) => feature.ground === name);
        log(`starting a playground for ${own.length} rows (${name})`);
        grounds.set(name, await startGround(name, own, { addresses, log }));
      }
      return new FeatureLab(grounds, addresses);
    } catch (error) {
      for (const { ground } of grounds.values()) await ground[Symbol.asyncDispose]();
      throw error;
    }
  }

  ground(feature: Feature): FeatureGround {
    const found = this.#grounds.get(feature.ground);
    if (found === undefined) throw new Error(`there is no playground for ${feature.id}`);
    return found;
  }

  /** Where a client of the row's Service sends to. */
  target(feature: Feature): LoadTarget {
    const host = this.#addresses.get(`${feature.ground} ${feature.service}`);
    if (host === undefined) throw new Error(`${feature.id} has no Service`);
    return { netns: this.ground(feature).client.netns, host, port: 80 };
  }

  /** The processes of the client's agent, and of the server's. */
  hops(feature: Feature): readonly [readonly number[], readonly number[]] {
    const { ground } = this.ground(feature);
    const [first, second] = ['n1', 'n2'].map((node) => ground.agent(node));
    const pids = (agent: typeof first) => (agent === undefined ? [] : [agent.main, ...agent.workers]);
    return [pids(first), pids(second)];
  }

  /** The inodes of all network namespaces of all playgrounds. */
  namespaces(): Set<number> {
    return new Set([...this.#grounds.values()].flatMap(({ ground }) => [...ground.namespaces()]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { ground } of this.#grounds.values()) await ground[Symbol.asyncDispose]();
  }
}

interface StartTools {
  /** Filled with the address of each Service by its playground and name. */
  readonly addresses: Map<string, string>;
  readonly log: (line: string) => void;
}

async function startGround(
  which: GroundName,
  features: readonly Feature[],
  { addresses, log }: StartTools,
): Promise<FeatureGround> {
  const name = `bench-features-${which}`;
  const ca = new TestCa({ commonName: 'applications' });
  const certificate = ca.issue({ uris: [], dnsNames: [tlsHostname] });
  const services: Manifest[] = [];
  for (const { service, app } of features) {
    const key = `${which} ${service}`;
    if (addresses.has(key)) continue;
    const clusterIP = `10.96.1.${services.length + 1}`;
    addresses.set(key, clusterIP);
    services.push(serviceManifest(service, app, { port: 80, targetPort: originPorts.own }, { clusterIP }));
  }
  const server = (app: string, directory: string, helped: boolean) =>
    podManifest({ ...place(app), node: 'n2' }, originPrograms(join(directory, app), certificate, helped));
  const ground = await Ground.start({ name, mesh: true, workers: 1, agentFlags: flagsOf[which], log }, (directory) => ({
    '10-servers.yaml': [
      server('origin', directory, true),
      server('guarded', directory, false),
      server('mirror', directory, false),
      ...['client', 'stranger'].map((role) => podManifest({ ...place(role), node: 'n1', serviceAccount: role }, [])),
    ],
    '20-services.yaml': [...backendServices(), ...services],
    '30-policies.yaml': policyManifests(ca.certificate.certPem) as Manifest[],
    '40-routes.yaml': features.flatMap((feature) => feature.objects),
  }));
  try {
    const [client, stranger, mirror] = await Promise.all(
      (['client', 'stranger', 'mirror'] as const).map((role) => ground.pod(`${namespaces.meshed}/${role}`)),
    );
    if (client === undefined || stranger === undefined || mirror === undefined) throw new Error('a pod is missing');
    return { ground, name, client, stranger, mirror };
  } catch (error) {
    await ground[Symbol.asyncDispose]();
    throw error;
  }
}

function place(name: string) {
  return { namespace: namespaces.meshed, name };
}

function backendServices(): Manifest[] {
  const { routed, other, tls } = originPorts;
  const service = (name: string, app: string, targetPort: number) =>
    serviceManifest(name, app, { port: 80, targetPort });
  return [
    service(backends.routed, 'origin', routed),
    service(backends.other, 'origin', other),
    service(backends.budget, 'origin', routed),
    service(backends.tls, 'origin', tls),
    service(backends.mirror, 'mirror', routed),
    service('guarded-routed', 'guarded', routed),
  ];
}
