import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CodedError } from '@tulle/core';
import { createFabric } from '../network/topology.ts';
import { nodes } from '../network/addresses.ts';
import { defaultName, nameOption, netnsPath, playgroundPaths, processLog } from '../paths.ts';
import type { PlaygroundPaths } from '../paths.ts';
import { findProgram } from '../pods/command-line.ts';
import { openLog } from '../pods/log-file.ts';
import type { SupervisorMessage, SupervisorOptions } from '../supervisor/options.ts';
import { readState } from '../state.ts';
import { hasRemains, isRunning, noteNetnsDir, removePlayground } from './cleanup.ts';
import { PlaygroundLock } from './lock.ts';
import type { CommandOutput } from './output.ts';
import { playgroundStatus } from './status.ts';
import { requireRoot } from './root.ts';

/** Options of {@link playgroundUp}; what is absent has the default that the CLI's help names. */
export interface UpOptions {
  readonly name?: string;
  /** A directory of manifests; the example that comes with the playground when absent. */
  readonly directory?: string;
  readonly mesh?: boolean;
  readonly timeoutMs?: number;
  readonly capture?: 'auto' | 'iptables' | 'ebpf';
  readonly workers?: number;
  /** How connections between two pods of one node go; `direct` is not encrypted. */
  readonly sameNode?: 'tunnel' | 'direct';
  readonly mtlsMode?: 'permissive' | 'strict';
  readonly trustDomain?: string;
  /** How long workload certificates live at most. */
  readonly certificateLifetimeSeconds?: number;
  /** A directory with the issuer that the controller signs with. */
  readonly issuerDir?: string;
  /** Flags for the controller, passed on as they are. */
  readonly controllerFlags?: readonly string[];
  /** Flags for every agent, passed on as they are. */
  readonly agentFlags?: readonly string[];
}

const defaultTimeoutMs = 60_000;

/** What a supervisor needs beyond the time that pods may take. */
const supervisorMarginMs = 30_000;

/**
 * Starts a playground and leaves it running. Gives the exit status: 0 when everything works, 1 when something does not
 * (said on standard error, with the rest running) or the playground runs already with other manifests.
 *
 * Throws a {@link CodedError} when there is no playground afterwards.
 */
export async function playgroundUp(
  options: UpOptions & { readonly directory: string },
  output: CommandOutput,
): Promise<number> {
  const started = performance.now();
  const paths = playgroundPaths(options.name ?? defaultName);
  requireRoot();
  const manifests = manifestsDirectory(options.directory);
  using _lock = await PlaygroundLock.take(paths, 15_000);
  const state = readState(paths);
  if (state !== undefined && isRunning(paths)) {
    const healthy =
      state.manifests === manifests &&
      state.stage === 'running' &&
      state.pods.every((pod) => pod.ready || pod.phase === 'Succeeded');
    if (healthy) return playgroundStatus({ name: paths.name, output: 'table' }, output);
    const why = state.manifests === manifests ? 'but not everything is ready' : `with ${state.manifests}`;
    throw new CodedError('AlreadyRunning', `the playground "${paths.name}" is running already, ${why}`, {
      hint: `tulle playground status${nameOption(paths.name)}, or down, or another --name`,
    });
  }
  if (hasRemains(paths)) {
    output.print(step('clean-up', 'what a playground that ended left behind is removed'));
    await removePlayground(paths);
  }
  for (const directory of [paths.directory, paths.logs, join(paths.logs, 'pods'), paths.pods, paths.nodes]) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  }
  try {
    noteNetnsDir(paths);
    await createFabric(paths);
    output.print(step('network', `nodes ${nodes.map((node) => node.name).join(' and ')}`));
    const { broken, warnings } = await runSupervisor(paths, supervisorOptions(paths, manifests, options), output);
    for (const line of warnings) output.print(`${line}\n`);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    if (broken.length === 0) {
      output.print(step('ready', `in ${seconds} s`));
      return 0;
    }
    output.print(step('running', `after ${seconds} s, but not everything works:`));
    for (const line of broken) output.printError(`${line}\n`);
    return 1;
  } catch (error) {
    await removePlayground(paths);
    throw error;
  }
}

function manifestsDirectory(path: string): string {
  let real: string;
  try {
    real = realpathSync(path);
    if (!statSync(real).isDirectory()) throw new Error('it is not a directory');
  } catch (cause) {
    throw new CodedError('NoManifests', `cannot read manifests from ${path}`, { cause });
  }
  return real;
}

function supervisorOptions(paths: PlaygroundPaths, manifests: string, options: UpOptions): SupervisorOptions {
  return {
    name: paths.name,
    root: paths.root,
    manifests,
    mesh: options.mesh ?? true,
    timeoutMs: options.timeoutMs ?? defaultTimeoutMs,
    capture: options.capture,
    workers: options.workers,
    sameNode: options.sameNode,
    mtlsMode: options.mtlsMode,
    trustDomain: options.trustDomain,
    certificateLifetimeSeconds: options.certificateLifetimeSeconds,
    controllerFlags: options.controllerFlags ?? [],
    agentFlags: options.agentFlags ?? [],
    issuerDir: options.issuerDir === undefined ? undefined : resolve(options.issuerDir),
  };
}

type Settled = Extract<SupervisorMessage, { kind: 'settled' }>;

function runSupervisor(paths: PlaygroundPaths, options: SupervisorOptions, output: CommandOutput): Promise<Settled> {
  const log = openLog(processLog(paths, 'supervisor'));
  const main = resolve(import.meta.dirname, '../supervisor/main.ts');
  const child = spawn(
    findProgram('nsenter'),
    [
      `--net=${netnsPath(paths.fabricNetns)}`,
      process.execPath,
      '--disable-warning=ExperimentalWarning',
      main,
      JSON.stringify(options),
    ],
    { detached: true, stdio: ['ignore', log, log, 'ipc'], cwd: '/' },
  );
  closeSync(log);
  return new Promise((resolve, reject) => {
    const fail = (why: string) => {
      clearTimeout(timer);
      child.kill('SIGKILL');
      const said = readFileSync(processLog(paths, 'supervisor'), 'utf8').trim().split('\n').slice(-5).join('\n  ');
      reject(
        new CodedError('SupervisorFailed', `the playground's supervisor ${why}${said === '' ? '' : `:\n  ${said}`}`),
      );
    };
    const timer = setTimeout(() => fail('does not answer'), options.timeoutMs + supervisorMarginMs);
    child.on('error', (error) => fail(`could not be started: ${error.message}`));
    child.on('exit', (code, signal) => fail(`ended (${signal ?? `exit status ${code}`})`));
    child.on('message', (raw) => {
      // Only our own supervisor is at the other end.
      const message = raw as SupervisorMessage;
      if (message.kind === 'progress') {
        output.print(step(message.step, message.text));
        return;
      }
      clearTimeout(timer);
      child.removeAllListeners('exit');
      if (child.connected) child.disconnect();
      child.unref();
      resolve(message);
    });
  });
}

function step(name: string, text: string): string {
  return `${name.padEnd(11)}${text}\n`;
}
