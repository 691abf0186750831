import { delimiter, dirname, join } from 'node:path';
import { accessSync, constants } from 'node:fs';
import { CodedError } from '@tulle/core';

/** A program, its arguments (without its own name), and its whole environment. */
export interface CommandLine {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: { readonly [name: string]: string };
}

/** The capabilities that container runtimes give by default. */
export const defaultCapabilities = [
  'audit_write',
  'chown',
  'dac_override',
  'fowner',
  'fsetid',
  'kill',
  'mknod',
  'net_bind_service',
  'net_raw',
  'setfcap',
  'setgid',
  'setpcap',
  'setuid',
  'sys_chroot',
] as const;

/** What a program in a pod is run as. */
export interface Privileges {
  readonly runAsUser: number | undefined;
  readonly runAsGroup: number | undefined;
  readonly addCapabilities: readonly string[];
  readonly dropCapabilities: readonly string[];
}

/** What a program is run in and with. */
export interface PodCommand {
  /** The process that holds the pod's namespaces. */
  readonly sandboxPid: number;
  /** Absolute. */
  readonly workingDir: string;
  readonly privileges: Privileges;
  readonly command: readonly string[];
  readonly env: { readonly [name: string]: string };
}

/** The programs that enter a pod, by absolute path: the pod's own PATH has no say in them. */
export interface Programs {
  readonly nsenter: string;
  readonly setpriv: string;
}

/** The capabilities of a container that adds and drops some; `all` means each of them, as in Kubernetes. */
export function effectiveCapabilities(privileges: Privileges): string[] {
  if (privileges.addCapabilities.includes('all')) return ['all'];
  const kept = new Set<string>(privileges.dropCapabilities.includes('all') ? [] : defaultCapabilities);
  for (const each of privileges.dropCapabilities) kept.delete(each);
  for (const each of privileges.addCapabilities) kept.add(each);
  return [...kept].sort();
}

/**
 * The command line that runs a program inside a pod: in its network, mount and UTS namespaces and with a container's
 * capabilities. Each step replaces itself by the next, so that the process started is the program itself: its signals
 * and its exit status are the program's.
 */
export function podCommandLine(pod: PodCommand, programs: Programs): CommandLine {
  const bounding = ['-all', ...effectiveCapabilities(pod.privileges).map((each) => `+${each}`)].join(',');
  const identity = [
    ...(pod.privileges.runAsUser === undefined ? [] : [`--reuid=${pod.privileges.runAsUser}`]),
    ...(pod.privileges.runAsGroup === undefined ? [] : [`--regid=${pod.privileges.runAsGroup}`]),
    ...(pod.privileges.runAsUser === undefined && pod.privileges.runAsGroup === undefined ? [] : ['--clear-groups']),
  ];
  return {
    file: programs.nsenter,
    args: [
      `--target=${pod.sandboxPid}`,
      '--net',
      '--mount',
      '--uts',
      `--wdns=${pod.workingDir}`,
      '--',
      programs.setpriv,
      ...identity,
      '--inh-caps=-all',
      `--bounding-set=${bounding}`,
      '--',
      ...pod.command,
    ],
    env: pod.env,
  };
}

/**
 * The environment that every container starts from. The directory of our own Node comes first in PATH: a machine's own
 * may be missing or too old for the scripts beside the manifests.
 */
export function baseEnv(hostname: string, outer: NodeJS.ProcessEnv): { [name: string]: string } {
  const usual = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
  return {
    PATH: `${dirname(process.execPath)}${delimiter}${outer['PATH'] ?? usual}`,
    HOME: outer['HOME'] ?? '/root',
    LANG: 'C.UTF-8',
    HOSTNAME: hostname,
  };
}

/** The absolute path of a program of the machine; throws a {@link CodedError} `ProgramMissing` when there is none. */
export function findProgram(name: string, path: string | undefined = process.env['PATH']): string {
  for (const directory of `${path ?? ''}${delimiter}/usr/sbin:/usr/bin:/sbin:/bin`.split(delimiter)) {
    const candidate = join(directory, name);
    if (directory === '') continue;
    try {
      accessSync(candidate, constants.X_OK);
      return candidate;
    } catch {
      // Not there: the next.
    }
  }
  throw new CodedError('ProgramMissing', `the program "${name}" is not installed`, {
    hint: 'npm run setup (it installs what is missing)',
  });
}

/** Both programs that enter a pod. */
export function findPrograms(): Programs {
  return { nsenter: findProgram('nsenter'), setpriv: findProgram('setpriv') };
}
