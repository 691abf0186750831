import { availableParallelism } from 'node:os';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { AccessLogSettings } from './worker/access-settings.ts';
import { defaultAccessLog } from './worker/access-settings.ts';
import { limitNames } from './worker/limits.ts';
import type { WorkerLimits } from './worker/limits.ts';

/** An address to listen on. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** What an agent is started with. */
export interface AgentOptions {
  readonly node: string;
  readonly zone: string;
  readonly controller: string;
  readonly trustBundle: string;
  readonly token: string;
  readonly trustDomain: string;
  /** Where pods are found: a directory, or the socket of a container runtime; one of them is set. */
  readonly podsDir?: string;
  readonly cri?: string;
  readonly workers: number;
  readonly capture: 'auto' | 'iptables' | 'ebpf';
  readonly sameNode: 'tunnel' | 'direct';
  readonly admin: string;
  readonly metrics: ListenAddress;
  readonly ready: ListenAddress;
  readonly drainDeadline: number;
  readonly accessLog: AccessLogSettings;
  readonly limit: Partial<WorkerLimits>;
  readonly endDeadline: number;
  readonly kernelSettings: string;
}

function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < least || value > most) {
      throw new InvalidArgumentError(`expected a whole number from ${least} to ${most}`);
    }
    return value;
  };
}

function accessLog(text: string): AccessLogSettings {
  if (text === 'off') return { errors: false, percent: 0 };
  if (text === 'errors') return defaultAccessLog;
  if (text === 'all') return { errors: true, percent: 100 };
  const percent = /^\d{1,2}(\.\d+)?%$/.test(text) ? Number(text.slice(0, -1)) : 0;
  if (percent === 0) throw new InvalidArgumentError('expected off, errors, all, or a percentage such as 1%');
  return { errors: true, percent };
}

/** `NAME=N`, again and again; the last one of a name counts. */
function limit(text: string, before: Partial<WorkerLimits>): Partial<WorkerLimits> {
  const [name = '', value = ''] = text.split('=');
  const key = limitNames.get(name);
  if (key === undefined || !/^[1-9]\d{0,8}$/.test(value)) {
    throw new InvalidArgumentError(`expected NAME=N with a name of ${[...limitNames.keys()].join(', ')}`);
  }
  return { ...before, [key]: Number(value) };
}

function socket(text: string): string {
  if (!text.startsWith('unix:///')) throw new InvalidArgumentError('expected unix:///PATH');
  return text;
}

function listenAddress(text: string): ListenAddress {
  const colon = text.lastIndexOf(':');
  const port = Number(text.slice(colon + 1));
  if (colon < 0 || !Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new InvalidArgumentError('expected HOST:PORT');
  }
  return { host: text.slice(0, colon), port };
}

/** Reads the command line; ends the process with status 2 and a message where it is wrong. */
export function readOptions(argv: readonly string[]): AgentOptions {
  const command = new Command('tulle-agent')
    .description('The agent of one node: captures its pods and carries their traffic over mutual TLS.')
    .requiredOption('--node <name>', 'the name of the node')
    .option('--zone <name>', 'the zone of the node, for topology-aware balancing', '')
    .requiredOption('--controller <host:port>', 'where the mesh controller serves configuration and certificates')
    .requiredOption('--trust-bundle <file>', 'PEM roots that the controller is verified with')
    .requiredOption('--token <file>', 'the bearer token shown to the controller')
    .option('--trust-domain <name>', 'the trust domain of the mesh', 'cluster.local')
    .addOption(
      new Option('--pods-dir <dir>', 'a directory of UID.json files, one for each pod of the node').conflicts('cri'),
    )
    .option('--cri <address>', "the container runtime's socket, such as unix:///run/containerd/containerd.sock", socket)
    .option('--workers <n>', 'data-plane processes', wholeNumber(1, 64), Math.min(4, availableParallelism()))
    .addOption(
      new Option('--capture <how>', 'how traffic is redirected').choices(['auto', 'iptables', 'ebpf']).default('auto'),
    )
    .option('--kernel-settings <dir>', 'where /proc/sys may be written to', '/proc/sys')
    .addOption(
      new Option(
        '--same-node <how>',
        'how connections between two pods of this node go: through a tunnel, or directly, not encrypted',
      )
        .choices(['tunnel', 'direct'])
        .default('tunnel'),
    )
    .option('--admin <unix:path>', 'where the admin endpoint listens', 'unix:/run/tulle/agent.sock')
    .option('--metrics <host:port>', 'where metrics are scraped', listenAddress, { host: '0.0.0.0', port: 15_020 })
    .option('--ready <host:port>', 'where readiness is asked', listenAddress, { host: '0.0.0.0', port: 15_021 })
    .option(
      '--access-log <which>',
      'off, errors, all, or errors and a share of all others: 1%',
      accessLog,
      defaultAccessLog,
    )
    .option('--limit <name=n>', 'a limit of docs/limits.md, for each worker; may be repeated', limit, {})
    .option(
      '--drain-deadline <seconds>',
      'how long connections of a pod that leaves may go on',
      wholeNumber(0, 86_400),
      300,
    )
    .option(
      '--end-deadline <seconds>',
      'how long connections of pods that leave may go on when the agent is told to end',
      wholeNumber(0, 86_400),
      40,
    )
    .addHelpText(
      'after',
      '\nExample:\n  tulle-agent --node n1 --controller 10.0.0.1:15012 --trust-bundle ca.pem --token token --pods-dir /run/tulle/pods\n',
    )
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));
  command.parse(argv);
  const options = command.opts<AgentOptions>();
  if (options.podsDir === undefined && options.cri === undefined) {
    command.error("error: one of '--pods-dir' and '--cri' says where the pods of the node are found");
  }
  return options;
}
