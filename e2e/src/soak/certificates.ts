import type { CertificatesView } from '@tulle/admin-api';
import type { RequestFlow, RequestResult } from '../../test/support/test-cluster.ts';
import { TestCluster } from '../../test/support/test-cluster.ts';

/** What is asked of {@link soakCertificates}. */
export interface CertificateSoakOptions {
  /** How long certificates that live for a minute are used under load. */
  readonly minutes: number;
  /** How many times the root is replaced under load. */
  readonly rotations: number;
  readonly log: (line: string) => void;
}

/** What came of a part of the soak. */
export interface CertificateSoakResult {
  readonly part: 'root rotation' | 'certificates of 60 s';
  readonly requests: number;
  readonly failed: number;
  readonly seconds: number;
  readonly requestsPerSecond: number;
  /** How many roots, or how many certificates of the client's and the server's identities, were used up. */
  readonly replaced: number;
  /** Answers other than the server's, and how often each came. */
  readonly failures: Readonly<Record<string, number>>;
}

const answer = '200 red';
const lookEveryMs = 2_000;

/**
 * Requests from one node to the other, 200 a second, nine of ten on kept connections, while the root is replaced again and
 * again, and then while certificates live for a minute only.
 */
export async function soakCertificates(options: CertificateSoakOptions): Promise<readonly CertificateSoakResult[]> {
  return [await rotateUnderLoad(options), await renewUnderLoad(options)];
}

async function rotateUnderLoad({ rotations, log }: CertificateSoakOptions): Promise<CertificateSoakResult> {
  await using cluster = await startedCluster('soakroot');
  const load = await Load.start(cluster);
  for (let done = 1; done <= rotations; done++) {
    await cluster.document('ca', 'rotate');
    log(`root ${done} of ${rotations} is replaced after ${load.seconds.toFixed(0)} s`);
  }
  return { part: 'root rotation', replaced: rotations, ...(await load.stop()) };
}

async function renewUnderLoad({ minutes, log }: CertificateSoakOptions): Promise<CertificateSoakResult> {
  await using cluster = await startedCluster('soaklife', '--certificate-lifetime', '60');
  const load = await Load.start(cluster);
  const serials = new Set<string>();
  let saidAtSeconds = 0;
  while (load.seconds < minutes * 60) {
    const { certificates } = (await cluster.document('certificates')) as CertificatesView;
    for (const { serialNumber } of certificates) if (serialNumber !== undefined) serials.add(serialNumber);
    if (load.seconds - saidAtSeconds >= 60) {
      saidAtSeconds = load.seconds;
      log(`${serials.size} certificates were used after ${load.seconds.toFixed(0)} s`);
    }
    await new Promise((next) => setTimeout(next, lookEveryMs));
  }
  return { part: 'certificates of 60 s', replaced: serials.size, ...(await load.stop()) };
}

async function startedCluster(name: string, ...argv: readonly string[]): Promise<TestCluster> {
  const cluster = new TestCluster(name, 'identity');
  await cluster.start(...argv);
  await cluster.untilCaptured('shop', ['permissive', 'strict', 'web']);
  return cluster;
}

/** 200 requests a second between the nodes. */
class Load {
  readonly #flows: readonly RequestFlow[];
  readonly #beganMs = performance.now();

  private constructor(flows: readonly RequestFlow[]) {
    this.#flows = flows;
  }

  static async start(cluster: TestCluster): Promise<Load> {
    const url = 'http://permissive/';
    return new Load([
      await cluster.flow('shop/web', { url, concurrency: 8, perSecond: 180 }),
      await cluster.flow('shop/web', { url, concurrency: 4, perSecond: 20, fresh: true }),
    ]);
  }

  get seconds(): number {
    return (performance.now() - this.#beganMs) / 1_000;
  }

  async stop(): Promise<Omit<CertificateSoakResult, 'part' | 'replaced'>> {
    const { seconds } = this;
    const results: readonly RequestResult[] = await Promise.all(this.#flows.map((flow) => flow.stop()));
    let requests = 0;
    const failures: Record<string, number> = {};
    for (const result of results) {
      requests += result.requests;
      for (const [kind, count] of Object.entries(result.answers)) {
        if (kind !== answer) failures[kind] = (failures[kind] ?? 0) + count;
      }
    }
    const failed = Object.values(failures).reduce((sum, count) => sum + count, 0);
    return {
      requests,
      failed,
      seconds: Math.round(seconds),
      requestsPerSecond: Math.round(requests / seconds),
      failures,
    };
  }
}
