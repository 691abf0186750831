import { spawn, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { playgroundPaths } from '../src/index.ts';
import type { PlaygroundStatusView } from '../src/index.ts';

const cli = resolve(import.meta.dirname, '../../cli/src/main.ts');

/** What a command left behind. */
export interface Ran {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A playground of one test: its own manifests, and a root that no other playground of the machine uses. */
export class TestPlayground implements Disposable {
  readonly name: string;
  readonly manifests = mkdtempSync(join(tmpdir(), 'tulle-playground-'));
  readonly root: string;

  /** `root`: that of another test playground, to run beside it. */
  constructor(name: string, root?: string) {
    if (process.getuid?.() !== 0) throw new Error('these tests make network namespaces: run them as root');
    this.name = name;
    this.root = root ?? `/run/tulle-test-${process.pid}-${name}/playgrounds`;
  }

  get paths() {
    return playgroundPaths(this.name, this.root);
  }

  /** Writes a manifest or a program, as an editor does: the old file is replaced at once. */
  write(file: string, content: string): void {
    writeFileSync(join(this.manifests, `.${file}`), content);
    renameSync(join(this.manifests, `.${file}`), join(this.manifests, file));
  }

  remove(file: string): void {
    rmSync(join(this.manifests, file));
  }

  /** `tulle playground VERB --name NAME …` */
  tulle(verb: string, args: readonly string[] = [], input = ''): Ran {
    const [file, ...rest] = this.#command(verb, args);
    const done = spawnSync(file, rest, { env: this.#env, input, encoding: 'utf8', timeout: 90_000 });
    return { status: done.status, signal: done.signal, stdout: done.stdout, stderr: done.stderr };
  }

  /** The same, without waiting for its end. */
  start(verb: string, args: readonly string[]) {
    const [file, ...rest] = this.#command(verb, args);
    return spawn(file, rest, { env: this.#env, stdio: ['pipe', 'pipe', 'pipe'] });
  }

  up(...args: string[]): Ran {
    return this.tulle('up', [this.manifests, '--no-mesh', '--timeout', '30', ...args]);
  }

  /** Runs a program in a pod and gives what it printed; throws when it failed. */
  exec(pod: string, ...command: string[]): string {
    const done = this.tulle('exec', [pod, '--', ...command]);
    if (done.status !== 0)
      throw new Error(`exec ${pod} ${command.join(' ')}: ${done.status ?? done.signal}: ${done.stderr}`);
    return done.stdout;
  }

  /** Runs a program in a network namespace alone, without any of the pod's or the node's other surroundings. */
  inNetns(netns: string, ...command: string[]): string {
    const done = spawnSync('nsenter', [`--net=/run/netns/${netns}`, ...command], { encoding: 'utf8', timeout: 20_000 });
    if (done.status !== 0) throw new Error(`${command.join(' ')}: ${done.status}: ${done.stderr}`);
    return done.stdout;
  }

  /** The number of the one process of this playground whose command line holds `words`. */
  findProcess(words: string): number {
    const found = this.findProcessOrNone(words);
    if (found === undefined) throw new Error(`no process of the playground runs ${words}`);
    return found;
  }

  findProcessOrNone(words: string): number | undefined {
    const line = this.remains().processes.find((each) => each.includes(words));
    return line === undefined ? undefined : Number.parseInt(line, 10);
  }

  supervisorPid(): number {
    return (JSON.parse(readFileSync(this.paths.state, 'utf8')) as { supervisor: { pid: number } }).supervisor.pid;
  }

  appendToLog(uid: string, text: string): void {
    appendFileSync(join(this.paths.logs, 'pods', `${uid}.main.log`), text);
  }

  status(): PlaygroundStatusView {
    return JSON.parse(this.tulle('status', ['-o', 'json']).stdout) as PlaygroundStatusView;
  }

  /** Waits until the status is as wanted; throws with the last one when that takes too long. */
  async until(wanted: (status: PlaygroundStatusView) => boolean, timeoutMs = 15_000): Promise<PlaygroundStatusView> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const status = this.status();
      if (wanted(status)) return status;
      if (performance.now() > deadline)
        throw new Error(`the playground did not become as wanted: ${JSON.stringify(status, null, 1)}`);
      await new Promise((done) => setTimeout(done, 50));
    }
  }

  /** Waits for anything else; throws when that takes too long. */
  async untilTrue(wanted: () => boolean, timeoutMs = 15_000): Promise<void> {
    await this.until(wanted, timeoutMs);
  }

  /** What of this playground can be found on the machine. */
  remains(namespaces: readonly string[] = this.namespaces()): Remains {
    return {
      netns: netnsNames().filter((name) => name.startsWith(this.paths.netnsPrefix)),
      processes: processesIn(new Set(namespaces)),
      mounts: readFileSync('/proc/self/mounts', 'utf8')
        .split('\n')
        .filter((line) => line.includes(this.paths.netnsPrefix) || line.includes(this.root)),
      files: existsSync(this.paths.directory) ? [this.paths.directory] : [],
    };
  }

  /** Its network namespaces, in the form that /proc shows a process's. */
  namespaces(): string[] {
    return netnsNames()
      .filter((name) => name.startsWith(this.paths.netnsPrefix))
      .map((name) => `net:[${statSync(join('/run/netns', name)).ino}]`);
  }

  [Symbol.dispose](): void {
    this.tulle('down');
    rmSync(this.manifests, { recursive: true, force: true });
    rmSync(this.root, { recursive: true, force: true });
    rmSync(resolve(this.root, '..'), { recursive: true, force: true });
  }

  get #env(): NodeJS.ProcessEnv {
    return { ...process.env, TULLE_PLAYGROUND_ROOT: this.root };
  }

  #command(verb: string, args: readonly string[]): [string, ...string[]] {
    return [
      process.execPath,
      '--disable-warning=ExperimentalWarning',
      cli,
      'playground',
      verb,
      '--name',
      this.name,
      ...args,
    ];
  }
}

/** What is left of a playground. */
export interface Remains {
  readonly netns: readonly string[];
  readonly processes: readonly string[];
  readonly mounts: readonly string[];
  readonly files: readonly string[];
}

export const nothing: Remains = { netns: [], processes: [], mounts: [], files: [] };

function netnsNames(): string[] {
  return existsSync('/run/netns') ? readdirSync('/run/netns') : [];
}

function processesIn(namespaces: ReadonlySet<string>): string[] {
  return readdirSync('/proc').flatMap((pid) => {
    try {
      if (!/^\d+$/.test(pid) || !namespaces.has(readlinkSync(`/proc/${pid}/ns/net`))) return [];
      return [`${pid} ${readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')}`];
    } catch {
      return [];
    }
  });
}
