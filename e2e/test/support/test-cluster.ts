import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { AgentPodView, AgentPodsView } from '@tulle/admin-api';
import type { NodeState, PodStatusView } from '@tulle/playground';
import { LinkRecorder } from '../../src/link-recorder.ts';
import { PlaygroundClient, waitFor } from '../../src/playground-client.ts';
import type { CommandResult } from '../../src/playground-client.ts';

const nodeNames = ['n1', 'n2'] as const;

/** Requests for the program requests.mjs: what is absent is one GET on a kept connection. */
export interface RequestPlan {
  readonly url: string;
  readonly count?: number;
  readonly concurrency?: number;
  /** How many requests are begun in a second at most. */
  readonly perSecond?: number;
  /** A connection for each request. */
  readonly fresh?: boolean;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What came of a {@link RequestPlan}. */
export interface RequestResult {
  readonly requests: number;
  /** How often each answer came: `200 red`, `404 no-route`, `error ECONNRESET`. */
  readonly answers: Readonly<Record<string, number>>;
  /** The last answer: its header fields, and what the server says that it was asked. */
  readonly last: {
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: {
      readonly pod: string;
      readonly client: string;
      readonly method: string;
      readonly url: string;
      readonly headers: Readonly<Record<string, string>>;
    };
  };
}

/** Requests that go on until they are stopped. */
export interface RequestFlow {
  stop(): Promise<RequestResult>;
}

/** A playground of one test file, from manifests/NAME and the shared programs, at a root of its own. */
export class TestCluster extends PlaygroundClient implements AsyncDisposable {
  /** @param manifests a folder of manifests/, or the path of another one */
  constructor(name: string, manifests: string = name) {
    if (process.getuid?.() !== 0) throw new Error('these tests make network namespaces: run them as root');
    const test = join(import.meta.dirname, '..');
    super(name, {
      manifests: [join(test, 'programs'), resolve(test, 'manifests', manifests)],
      root: `/run/tulle-e2e-${process.pid}/playgrounds`,
    });
    mkdirSync(this.root, { recursive: true });
  }

  /** Starts it; throws unless everything works. */
  async start(...argv: readonly string[]): Promise<void> {
    const result = await this.up(...argv);
    if (result.status === 0) return;
    const said = await this.lastLines('agent/n1', 10);
    throw new Error(`the playground did not start:\n${result.stdout}${result.stderr}agent n1:\n${said}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.down();
  }

  override async down(): Promise<CommandResult> {
    const result = await super.down();
    // Where another one still runs, there is more than locks.
    const others = existsSync(this.root) ? readdirSync(this.root).filter((name) => !name.endsWith('.lock')) : [];
    if (others.length === 0) rmSync(dirname(this.root), { recursive: true, force: true });
    return result;
  }

  /** The last lines that a part of the mesh (`agent/n1`, `mesh-controller`) has logged. */
  async lastLines(part: string, count: number): Promise<string> {
    const { stdout } = await this.tulle(['playground', 'logs', part, '--name', this.name]);
    return stdout.trimEnd().split('\n').slice(-count).join('\n');
  }

  /** Makes the requests from a pod, one plan after the other. */
  async requests(pod: string, plans: readonly RequestPlan[]): Promise<readonly RequestResult[]> {
    return await this.execJson(pod, ['node', 'requests.mjs', JSON.stringify(plans)]);
  }

  /** Makes the requests of one plan from a pod. */
  async request(pod: string, plan: RequestPlan): Promise<RequestResult> {
    const [result] = await this.requests(pod, [plan]);
    if (result === undefined) throw new Error('requests.mjs printed nothing');
    return result;
  }

  /** The answers to one GET. */
  async answers(pod: string, url: string): Promise<RequestResult['answers']> {
    return (await this.request(pod, { url })).answers;
  }

  /** Starts requests from a pod that go on until they are stopped; comes back when the first is answered. */
  async flow(pod: string, plan: Omit<RequestPlan, 'count'>): Promise<RequestFlow> {
    const child = this.startExec(pod, ['node', 'requests.mjs', JSON.stringify([{ ...plan, count: 0 }])]);
    let stdout = '';
    child.stdout?.on('data', (bytes) => (stdout += bytes));
    const ended = new Promise<RequestResult>((resolve, reject) => {
      child.on('close', (status) => {
        const [result] = status === 0 ? (JSON.parse(stdout) as RequestResult[]) : [];
        if (result === undefined) reject(new Error(`requests.mjs in ${pod} ended with ${status}`));
        else resolve(result);
      });
    });
    const flowing = new Promise((resolve) => child.stdout?.once('data', resolve));
    await Promise.race([flowing, ended]);
    return {
      stop: () => {
        child.stdin?.end();
        return ended;
      },
    };
  }

  /** A document that `tulle` prints with `-o json`; throws when the command failed. */
  async document(...argv: readonly string[]): Promise<unknown> {
    const result = await this.tulle([...argv, '--playground', this.name, '-o', 'json']);
    if (result.status !== 0) throw new Error(`tulle ${argv.join(' ')} ended with ${result.status}: ${result.stderr}`);
    return JSON.parse(result.stdout);
  }

  async pod(namespace: string, name: string): Promise<PodStatusView> {
    const { pods } = await this.status();
    const found = pods.find((pod) => pod.namespace === namespace && pod.name === name);
    if (found === undefined) throw new Error(`there is no pod ${namespace}/${name}`);
    return found;
  }

  async node(name: (typeof nodeNames)[number]): Promise<NodeState> {
    const found = (await this.status()).nodes.find((node) => node.name === name);
    if (found === undefined) throw new Error(`there is no node ${name}`);
    return found;
  }

  /** Waits until the pods of a namespace that are captured are just these; gives the time that it took. */
  async untilCaptured(namespace: string, names: readonly string[]): Promise<number> {
    const wanted = [...names].sort().join(' ');
    let seen: readonly AgentPodView[] = [];
    try {
      const { tookMs } = await waitFor(`of ${namespace}, captured are: ${wanted}`, 15_000, async () => {
        seen = (await this.#agentPods()).filter((pod) => pod.namespace === namespace);
        return capturedOf(seen).sort().join(' ') === wanted ? true : undefined;
      });
      return tookMs;
    } catch (cause) {
      throw new Error(`the agents show ${JSON.stringify(seen)}`, { cause });
    }
  }

  /** The pods of a namespace that agents say they capture. An agent that does not answer captures none. */
  async capturedPods(namespace: string): Promise<string[]> {
    return capturedOf((await this.#agentPods()).filter((pod) => pod.namespace === namespace));
  }

  async #agentPods(): Promise<readonly AgentPodView[]> {
    const ask = (node: string) =>
      this.askAgent<AgentPodsView>(node, '/v1/pods').catch((): AgentPodsView => ({ pods: [] }));
    return (await Promise.all(nodeNames.map(ask))).flatMap(({ pods }) => pods);
  }

  /** Captures what crosses the link of a node. */
  async recordLink(name: (typeof nodeNames)[number]): Promise<LinkRecorder> {
    return await LinkRecorder.start(await this.node(name));
  }
}

function capturedOf(pods: readonly AgentPodView[]): string[] {
  return pods.flatMap((pod) => (pod.captured === null ? [] : [pod.name]));
}
