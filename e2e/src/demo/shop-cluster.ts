import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { request } from 'undici';
import { Client } from 'undici';

const here = dirname(fileURLToPath(import.meta.url));
const tulle = join(here, '..', '..', '..', 'tulle');

/** What a command did. */
export interface CommandResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A pod as `playground status` shows it. */
export interface PodStatus {
  readonly namespace: string;
  readonly name: string;
  readonly node: string;
  readonly ip: string;
  readonly netns: string;
  readonly phase: string;
  readonly captured: boolean;
}

/** What `playground status -o json` shows. */
export interface PlaygroundStatus {
  readonly nodes: readonly {
    readonly name: string;
    readonly address: string;
    readonly netns: string;
    readonly link: string;
  }[];
  readonly pods: readonly PodStatus[];
}

/** The counts of one run of the load client. */
export interface LoadResult {
  readonly requests: number;
  readonly failed: number;
  readonly versions: Readonly<Record<string, number>>;
  readonly failures: Readonly<Record<string, number>>;
}

/** A tunnel, as an agent shows it. */
export interface Tunnel {
  readonly pod: string;
  readonly identity: string;
  readonly direction: 'outbound' | 'inbound';
  readonly peerIdentity: string;
}

/** Runs a program to its end. */
export function run(file: string, argv: readonly string[]): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, argv, { stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (bytes) => (stdout += bytes));
    child.stderr.on('data', (bytes) => (stderr += bytes));
    child.on('error', reject);
    child.on('close', (status) => resolve({ status: status ?? 1, stdout, stderr }));
  });
}

/** The demo's shop in a playground of its own, from a copy of the manifests that the demo may edit. */
export class ShopCluster {
  readonly name: string;
  readonly directory: string;

  constructor(name: string) {
    this.name = name;
    this.directory = mkdtempSync(join(tmpdir(), 'tulle-demo-'));
    cpSync(join(here, 'shop'), this.directory, { recursive: true });
  }

  async up(): Promise<CommandResult> {
    return await run(tulle, ['playground', 'up', this.directory, '--name', this.name]);
  }

  async down(): Promise<void> {
    await run(tulle, ['playground', 'down', '--name', this.name]);
    rmSync(this.directory, { recursive: true, force: true });
  }

  async status(): Promise<PlaygroundStatus> {
    const result = await run(tulle, ['playground', 'status', '--name', this.name, '-o', 'json']);
    if (result.status !== 0) throw new Error(`playground status failed: ${result.stderr}`);
    return JSON.parse(result.stdout) as PlaygroundStatus;
  }

  /** Changes a manifest as an editor does: a new file takes the old one's place. */
  edit(file: string, change: (text: string) => string): void {
    const path = join(this.directory, file);
    const before = readFileSync(path, 'utf8');
    const after = change(before);
    if (after === before) throw new Error(`the edit of ${file} changes nothing`);
    writeFileSync(`${path}.tmp`, after);
    renameSync(`${path}.tmp`, path);
  }

  /** Sends `count` requests from a pod and counts the answers. */
  async load(pod: string, argv: readonly string[]): Promise<LoadResult> {
    const result = await run(tulle, [
      'playground',
      'exec',
      '--name',
      this.name,
      pod,
      '--',
      'node',
      'load.mjs',
      ...argv,
    ]);
    if (result.status !== 0) throw new Error(`the load client in ${pod} failed: ${result.stderr}`);
    return JSON.parse(result.stdout) as LoadResult;
  }

  /** Starts requests that go on until `stop` is called, which gives the counts. */
  startLoad(pod: string, url: string, concurrency: number): { stop(): Promise<LoadResult> } {
    const argv = ['playground', 'exec', '--name', this.name, pod, '--', 'node', 'load.mjs', url, '0', `${concurrency}`];
    const child: ChildProcess = spawn(tulle, argv, { stdio: ['pipe', 'pipe', 'inherit'] });
    let stdout = '';
    child.stdout?.on('data', (bytes) => (stdout += bytes));
    const ended = new Promise<LoadResult>((resolve, reject) => {
      child.on('close', (status) => {
        if (status === 0) resolve(JSON.parse(stdout) as LoadResult);
        else reject(new Error(`the load client in ${pod} ended with ${status}`));
      });
    });
    return {
      stop: () => {
        child.stdin?.end();
        return ended;
      },
    };
  }

  /** Asks an agent's admin socket. */
  async askAgent<T>(node: string, path: string): Promise<T> {
    const root = process.env['TULLE_PLAYGROUND_ROOT'] ?? '/run/tulle/playgrounds';
    const dispatcher = new Client('http://agent', { socketPath: join(root, this.name, 'nodes', node, 'agent.sock') });
    try {
      const { body } = await request(`http://agent${path}`, { dispatcher });
      return (await body.json()) as T;
    } finally {
      await dispatcher.close();
    }
  }
}

/** Waits until `condition` gives something, looking often, and says how long that took; throws after `limitMs`. */
export async function waitFor<T>(
  what: string,
  limitMs: number,
  condition: () => Promise<T | undefined>,
): Promise<{ readonly value: T; readonly tookMs: number }> {
  const started = performance.now();
  for (;;) {
    const value = await condition();
    const tookMs = performance.now() - started;
    if (value !== undefined) return { value, tookMs };
    if (tookMs > limitMs) throw new Error(`waited ${limitMs / 1_000} s in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
