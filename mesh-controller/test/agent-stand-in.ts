import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '@tulle/core';
import { FeedClient, type NodeReport } from '@tulle/feed';
import {
  CertificateClient,
  ControlPlaneCredentials,
  controllerIdentity,
  createCsr,
  generateKeyPair,
  SpiffeId,
} from '@tulle/identity';
import type { MeshState } from '@tulle/ir';
import { RecordingLogger } from '@tulle/testkit';

/** The identity of a service account of namespace shop. */
export function shopIdentity(serviceAccount: string): SpiffeId {
  const id = SpiffeId.parse(`spiffe://cluster.local/ns/shop/sa/${serviceAccount}`);
  if (!id.ok) throw id.error;
  return id.value;
}

/** Writes a node's token where the controller looks for it. */
export function writeToken(directory: string, node: string): void {
  writeFileSync(join(directory, node), tokenOf(node), { mode: 0o600 });
}

function tokenOf(node: string): string {
  return `token-of-${node}-${'x'.repeat(32)}`;
}

/** Stands in for a node's agent: the clients of the feed and of the certificate service, with a node's token. */
export class AgentStandIn implements Disposable {
  readonly node: string;
  readonly #certificates: CertificateClient;
  readonly #feed: FeedClient;
  readonly #waiting = new Set<() => void>();

  constructor(options: { node: string; address: string; bundleFile: string; workDir: string; tokenOf?: string }) {
    this.node = options.node;
    const tokenFile = join(options.workDir, `token-of-agent-${options.node}`);
    writeFileSync(tokenFile, tokenOf(options.tokenOf ?? options.node), { mode: 0o600 });
    const credentials = new ControlPlaneCredentials({
      trustBundleFile: options.bundleFile,
      server: { spiffeId: controllerIdentity('cluster.local') },
      tokenFile,
    });
    this.#certificates = new CertificateClient({ address: options.address, credentials, deadlineMs: 10_000 });
    this.#feed = new FeedClient({
      address: options.address,
      credentials,
      node: options.node,
      clock: systemClock,
      logger: new RecordingLogger(),
      onDelta: () => {},
      onSynced: () => {
        for (const check of this.#waiting) check();
      },
    });
    this.#feed.start();
  }

  /** The version that was applied last. */
  get version(): string | undefined {
    return this.#feed.version;
  }

  /** Resolves with the first configuration for which `condition` holds. */
  until(condition: (state: MeshState) => boolean): Promise<MeshState> {
    return new Promise((resolve) => {
      const check = () => {
        const state = this.#feed.state();
        if (state === undefined || !condition(state)) return;
        this.#waiting.delete(check);
        resolve(state);
      };
      this.#waiting.add(check);
      check();
    });
  }

  /** Asks for a certificate; gives the chain as DER. */
  async certificate(identity: SpiffeId): Promise<readonly Buffer[]> {
    const csrPem = createCsr(generateKeyPair(), identity);
    return (await this.#certificates.sign({ identity, csrPem, validityMs: 3_600_000 })).chain;
  }

  /** Reports what is given about the node. */
  report(parts: Partial<NodeReport>): Promise<void> {
    return this.#feed.report({
      node: this.node,
      agentVersion: '0.1.0',
      pods: [],
      certificates: [],
      counters: {},
      configVersion: this.version ?? '',
      ...parts,
    });
  }

  [Symbol.dispose](): void {
    this.#feed.close();
    this.#certificates.close();
  }
}
