import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError } from '@tulle/core';
import { findProgram } from './command-line.ts';
import type { Programs } from './command-line.ts';
import { hostsFile, planSandbox, resolvConf, sandboxArguments, sandboxScript } from './sandbox-plan.ts';
import type { PodMount } from './sandbox-plan.ts';
import { identify, namespaceOf, processesIn } from '../processes.ts';
import type { ProcessIdentity } from '../state.ts';
import { netnsPath } from '../paths.ts';
import { dnsAddress } from '../network/addresses.ts';

/** What a pod's namespaces are made of. */
export interface SandboxOptions {
  readonly netns: string;
  readonly hostname: string;
  readonly namespace: string;
  readonly ip: string;
  /** The pod's directory in the playground's state. */
  readonly podDir: string;
  readonly mounts: readonly PodMount[];
  readonly programs: Programs;
  /** Called when the process that holds the namespaces ends. */
  readonly onEnd: () => void;
}

const startTimeoutMs = 10_000;

/** A process that does nothing but hold a pod's mount and UTS namespace, inside the pod's network namespace. */
export class Sandbox {
  readonly process: ProcessIdentity;
  readonly #mountNamespace: string;

  private constructor(process: ProcessIdentity, mountNamespace: string) {
    this.process = process;
    this.#mountNamespace = mountNamespace;
  }

  /** Makes the namespaces; throws a {@link CodedError} `SandboxFailed` with what went wrong. */
  static async start(options: SandboxOptions): Promise<Sandbox> {
    const files = join(options.podDir, 'etc');
    const stage = join(options.podDir, 'stage');
    mkdirSync(files, { recursive: true });
    mkdirSync(stage, { recursive: true });
    writeFileSync(join(files, 'resolv.conf'), resolvConf(options.namespace, dnsAddress));
    writeFileSync(join(files, 'hosts'), hostsFile(options.ip, options.hostname));
    const own = (['resolv.conf', 'hosts'] as const).map((name): PodMount => ({
      source: join(files, name),
      target: `/etc/${name}`,
      type: 'file',
      readOnly: false,
    }));
    const plan = planSandbox([...own, ...options.mounts]);
    const child = spawn(
      options.programs.nsenter,
      [
        `--net=${netnsPath(options.netns)}`,
        findProgram('unshare'),
        '--mount',
        '--uts',
        // What is unmounted on the machine goes here, too: no pod keeps another's namespace in use.
        '--propagation=slave',
        '--',
        'sh',
        '-c',
        sandboxScript,
        'tulle-sandbox',
        ...sandboxArguments(options.hostname, stage, plan),
      ],
      { stdio: ['ignore', 'pipe', 'pipe'], cwd: '/' },
    );
    await new Promise<void>((resolve, reject) => {
      let said = '';
      const fail = (why: string) => {
        clearTimeout(timer);
        child.kill('SIGKILL');
        reject(new CodedError('SandboxFailed', `the pod's namespaces could not be made: ${said.trim() || why}`));
      };
      const timer = setTimeout(() => fail(`not ready within ${startTimeoutMs} ms`), startTimeoutMs);
      child.on('error', (error) => fail(error.message));
      child.on('exit', (code) => fail(`exit status ${code}`));
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        said = `${said}${text}`.slice(0, 2000);
      });
      child.stdout.once('data', () => {
        clearTimeout(timer);
        child.removeAllListeners('exit');
        child.on('exit', options.onEnd);
        resolve();
      });
    });
    child.stdout.destroy();
    child.stderr.destroy();
    const process = identify(child.pid ?? -1);
    const mountNamespace = process === undefined ? undefined : namespaceOf(process.pid, 'mnt');
    if (process === undefined || mountNamespace === undefined) {
      throw new CodedError('SandboxFailed', "the pod's namespaces were lost as soon as they were made");
    }
    return new Sandbox(process, mountNamespace);
  }

  /**
   * Every process in the pod, the holder of its namespaces apart. They are told by the mount namespace, which the agent
   * never enters, not by the network namespace, which it does.
   */
  processes(): ProcessIdentity[] {
    return processesIn('mnt', new Set([this.#mountNamespace])).filter((each) => each.pid !== this.process.pid);
  }
}
