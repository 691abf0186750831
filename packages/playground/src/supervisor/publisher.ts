import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock, Logger } from '@tulle/core';
import { errorMessage } from '@tulle/core';
import { ObjectWriter } from '../cluster/object-writer.ts';
import type { ClusterView } from '../cluster/cluster.ts';
import type { DnsServer } from '../dns/server.ts';
import { makeZone } from '../dns/zone.ts';
import { writeFileAtomically } from '../files.ts';
import { nodes } from '../network/addresses.ts';
import { restoreRules, serviceRulesText } from '../network/service-rules.ts';
import { netnsPath, nodeNetns, nodePodsDir } from '../paths.ts';
import type { PlaygroundPaths } from '../paths.ts';
import type { PodRuntime } from '../pods/pod-runtime.ts';

const retryMs = 1000;

/** Brings a cluster's state to everybody who acts on it: the nodes' rules, the DNS, the controller, the agents. */
export class Publisher {
  readonly #paths: PlaygroundPaths;
  readonly #dns: DnsServer;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #view: () => ClusterView;
  readonly #objects: ObjectWriter;
  readonly #rules = new Map<string, string>();
  readonly #podFiles = new Map<string, string>();
  readonly #withdrawn = new Set<string>();
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #lastChangeMs = 0;

  constructor(options: {
    readonly paths: PlaygroundPaths;
    readonly dns: DnsServer;
    readonly logger: Logger;
    readonly clock: Clock;
    readonly view: () => ClusterView;
  }) {
    this.#paths = options.paths;
    this.#dns = options.dns;
    this.#logger = options.logger;
    this.#clock = options.clock;
    this.#view = options.view;
    this.#objects = new ObjectWriter(options.paths.objects);
    for (const node of nodes) mkdirSync(nodePodsDir(options.paths, node.name), { recursive: true });
  }

  /** When something was last written that the controller or an agent reads (`performance.now()`). */
  get lastChangeMs(): number {
    return this.#lastChangeMs;
  }

  /** Brings the present state about; resolves when that state, or a later one, is in force. */
  publish(): Promise<void> {
    if (this.#running === undefined) {
      this.#running = this.#once().finally(() => {
        this.#running = undefined;
      });
      return this.#running;
    }
    // What runs may have looked at the state already; all who come meanwhile share the one that follows.
    this.#next ??= this.#running.then(() => {
      this.#next = undefined;
      return this.publish();
    });
    return this.#next;
  }

  /** Tells the agent that the pod is going, before its namespace goes. */
  withdraw(pod: PodRuntime): void {
    const path = this.#podFile(pod);
    this.#podFiles.delete(path);
    this.#withdrawn.add(pod.identity.uid);
    rmSync(path, { force: true });
  }

  async #once(): Promise<void> {
    // One turn later, so that changes that come together go out together.
    await new Promise<void>((resolve) => setImmediate(resolve));
    const view = this.#view();
    try {
      if (this.#objects.write(view.files)) this.#lastChangeMs = performance.now();
      this.#writePodFiles(view.pods);
      this.#dns.setZone(makeZone(view.zone));
      await Promise.all(nodes.map((node) => this.#applyRules(node.name, view)));
    } catch (error) {
      this.#logger.error('the state could not be published', { error: errorMessage(error) });
      this.#clock.after(retryMs, () => void this.publish());
    }
  }

  #podFile(pod: PodRuntime): string {
    return join(nodePodsDir(this.#paths, pod.node.name), `${pod.identity.uid}.json`);
  }

  #writePodFiles(pods: readonly PodRuntime[]): void {
    const wanted = new Map<string, string>();
    for (const pod of pods) {
      const { uid, namespace, name } = pod.identity;
      if (!pod.connected || this.#withdrawn.has(uid)) continue;
      wanted.set(this.#podFile(pod), `${JSON.stringify({ uid, namespace, name, netns: netnsPath(pod.link.netns) })}\n`);
    }
    for (const [path, content] of wanted) {
      if (this.#podFiles.get(path) === content) continue;
      writeFileAtomically(path, content);
      this.#podFiles.set(path, content);
      this.#lastChangeMs = performance.now();
    }
    for (const path of this.#podFiles.keys()) {
      if (wanted.has(path)) continue;
      rmSync(path, { force: true });
      this.#podFiles.delete(path);
    }
    const alive = new Set(pods.map((pod) => pod.identity.uid));
    for (const uid of this.#withdrawn) if (!alive.has(uid)) this.#withdrawn.delete(uid);
  }

  async #applyRules(node: string, view: ClusterView): Promise<void> {
    const local = view.pods.filter((pod) => pod.node.name === node).map((pod) => pod.ip);
    const text = serviceRulesText(view.rules, local);
    if (this.#rules.get(node) === text) return;
    await restoreRules(nodeNetns(this.#paths, node), text);
    this.#rules.set(node, text);
  }
}
