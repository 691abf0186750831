import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { PlaygroundStatusView } from '@tulle/playground';
import { Client } from 'undici';

const tulle = resolve(import.meta.dirname, '../../tulle');
const defaultRoot = '/run/tulle/playgrounds';

/** What a command did. */
export interface CommandResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A tunnel, as an agent shows it. */
export interface Tunnel {
  /** `namespace/name`. */
  readonly pod: string;
  readonly identity: string;
  readonly direction: 'outbound' | 'inbound';
  readonly peerIdentity: string;
}

/** Runs a program to its end, with `input` as its standard input. */
export function run(
  file: string,
  argv: readonly string[],
  options: { readonly env?: NodeJS.ProcessEnv; readonly input?: string } = {},
): Promise<CommandResult> {
  return new Promise((done, reject) => {
    const child = spawn(file, argv, { stdio: ['pipe', 'pipe', 'pipe'], env: options.env ?? process.env });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', reject);
    child.on('close', (status) => done({ status: status ?? 1, stdout, stderr }));
    // A program that ends without reading its input is no error here.
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
  });
}

/** Where a playground's manifests come from, and where it is kept. */
export interface PlaygroundClientOptions {
  /** Directories whose files are copied: the playground reads the copies, which may be edited. */
  readonly manifests: readonly string[];
  /** TULLE_PLAYGROUND_ROOT of this playground. */
  readonly root?: string;
}

/** A playground, used as a person would: through `./tulle`, and an editor for its manifests. */
export class PlaygroundClient {
  readonly name: string;
  /** The playground's own copy of the manifests. */
  readonly directory: string;
  readonly root: string;

  constructor(name: string, options: PlaygroundClientOptions) {
    this.name = name;
    this.root = options.root ?? process.env['TULLE_PLAYGROUND_ROOT'] ?? defaultRoot;
    this.directory = mkdtempSync(join(tmpdir(), `tulle-${name}-`));
    for (const from of options.manifests) cpSync(from, this.directory, { recursive: true });
  }

  /** `./tulle ARGV`, with this playground's root. */
  async tulle(argv: readonly string[]): Promise<CommandResult> {
    return await run(tulle, argv, { env: this.#env });
  }

  async up(...argv: readonly string[]): Promise<CommandResult> {
    return await this.tulle(['playground', 'up', this.directory, '--name', this.name, ...argv]);
  }

  /** Ends the playground and removes the copy of its manifests. */
  async down(): Promise<CommandResult> {
    const result = await this.tulle(['playground', 'down', '--name', this.name]);
    rmSync(this.directory, { recursive: true, force: true });
    return result;
  }

  async status(): Promise<PlaygroundStatusView> {
    const result = await this.tulle(['playground', 'status', '--name', this.name, '-o', 'json']);
    if (result.status !== 0) throw new Error(`playground status failed: ${result.stderr}`);
    return JSON.parse(result.stdout) as PlaygroundStatusView;
  }

  /** Writes a manifest or a program as an editor does: a new file takes the old one's place. */
  write(file: string, text: string): void {
    const path = join(this.directory, file);
    writeFileSync(`${path}.tmp`, text);
    renameSync(`${path}.tmp`, path);
  }

  /** Changes a manifest; throws when the change changes nothing. */
  edit(file: string, change: (text: string) => string): void {
    const before = readFileSync(join(this.directory, file), 'utf8');
    const after = change(before);
    if (after === before) throw new Error(`the edit of ${file} changes nothing`);
    this.write(file, after);
  }

  remove(file: string): void {
    rmSync(join(this.directory, file));
  }

  /** Runs a program in a pod (or a Deployment's first) to its end. */
  async exec(pod: string, command: readonly string[], input = ''): Promise<CommandResult> {
    return await run(tulle, this.#execArgv(pod, command), { env: this.#env, input });
  }

  /** Runs a program in a pod and reads the JSON that it prints; throws when it failed. */
  async execJson<T>(pod: string, command: readonly string[]): Promise<T> {
    const result = await this.exec(pod, command);
    if (result.status !== 0) {
      throw new Error(`${command.join(' ')} in ${pod} ended with ${result.status}: ${result.stderr}${result.stdout}`);
    }
    return JSON.parse(result.stdout) as T;
  }

  /** Starts a program in a pod, its input and output piped, and its errors shown. */
  startExec(pod: string, command: readonly string[]): ChildProcess {
    return spawn(tulle, this.#execArgv(pod, command), { env: this.#env, stdio: ['pipe', 'pipe', 'inherit'] });
  }

  /** Asks an agent's admin socket. */
  async askAgent<T>(node: string, path: string): Promise<T> {
    const client = new Client('http://agent', {
      socketPath: join(this.root, this.name, 'nodes', node, 'agent.sock'),
    });
    try {
      const { body } = await client.request({ method: 'GET', path });
      return (await body.json()) as T;
    } finally {
      await client.close();
    }
  }

  get #env(): NodeJS.ProcessEnv {
    return { ...process.env, TULLE_PLAYGROUND_ROOT: this.root };
  }

  #execArgv(pod: string, command: readonly string[]): string[] {
    return ['playground', 'exec', '--name', this.name, pod, '--', ...command];
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
    await new Promise((next) => setTimeout(next, 5));
  }
}
