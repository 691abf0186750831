import { readFileSync, writeFileSync } from 'node:fs';
import type { Capture, CapturePod } from './capture.ts';
import {
  captureRules,
  chains,
  isCaptured,
  jumps,
  presentJumps,
  releaseRules,
  removeRules,
  transparentTable,
} from './iptables-rules.ts';
import { NetworkNamespace } from './network-namespace.ts';
import { runCommand } from './run-command.ts';
import { socketMarks } from './capture.ts';

/** Kernel settings that are 1 in a captured pod's namespace, with why each is needed. */
const settings = [
  // The application's answers carry the mark of the connection they answer, so that they come back to the agent …
  'net.ipv4.tcp_fwmark_accept',
  // … and so do resets: without it a connection to a closed port would hang.
  'net.ipv4.fwmark_reflect',
  // Connections that wait in the queue of a listener that closes move to one that stays (hot restart, a dead worker).
  'net.ipv4.tcp_migrate_req',
];

/** Captures pods with iptables' nat table inside each pod's network namespace. */
export class IptablesCapture implements Capture {
  readonly mode = 'iptables';
  readonly #kernelSettings: string;

  /**
   * @param kernelSettings where `/proc/sys` is mounted such that it may be written to; the container of an agent that is
   * not privileged has it at another place
   */
  constructor(kernelSettings = '/proc/sys') {
    this.#kernelSettings = kernelSettings;
  }

  async prepare(pod: CapturePod): Promise<void> {
    // The settings come last, and go first: a pod that has them all was prepared by an agent that is no more, and its
    // connections are refused until the next one has its ports open.
    if (this.#hasSettings(pod)) return;
    await commandsIn(pod)('ip', ['-force', '-batch', '-'], await missingRoutes(pod));
    this.#set(pod, '1');
  }

  async install(pod: CapturePod): Promise<void> {
    const inPod = commandsIn(pod);
    const saved = await inPod('iptables-save', ['-t', 'nat']);
    // The jumps come last: a pod that has them and the redirects was captured before, by an agent that is no more.
    if (isCaptured(saved)) return;
    const present = presentJumps(saved);
    await inPod(
      'iptables-restore',
      ['--noflush', '--wait'],
      captureRules(jumps.filter((jump) => !present.includes(jump))),
    );
  }

  async release(pod: CapturePod): Promise<void> {
    await commandsIn(pod)('iptables-restore', ['--noflush', '--wait'], releaseRules());
  }

  async remove(pod: CapturePod): Promise<void> {
    const inPod = commandsIn(pod);
    const saved = await inPod('iptables-save', ['-t', 'nat']);
    if (saved.includes(chains.output)) {
      await inPod('iptables-restore', ['--noflush', '--wait'], removeRules(presentJumps(saved)));
    }
    this.#set(pod, '0');
    const rules = await inPod('ip', ['rule', 'show']);
    if (rules.includes(`lookup ${transparentTable}`))
      await inPod('ip', ['rule', 'del', 'lookup', `${transparentTable}`]);
    await inPod('ip', ['route', 'flush', 'table', `${transparentTable}`]).catch(() => '');
  }

  async clean(pod: CapturePod): Promise<void> {
    const saved = await commandsIn(pod)('iptables-save', ['-t', 'nat']);
    const isRedirected = saved.includes(chains.output);
    if (isRedirected) await this.release(pod);
    if (isRedirected || this.#hasSettings(pod)) await this.remove(pod);
  }

  #hasSettings(pod: CapturePod): boolean {
    return this.#inNetworkOf(pod, () =>
      settings.every((name) => readFileSync(this.#file(name), 'utf8').trim() === '1'),
    );
  }

  #set(pod: CapturePod, value: '0' | '1'): void {
    this.#inNetworkOf(pod, () => {
      for (const name of settings) writeFileSync(this.#file(name), value);
    });
  }

  /** Files below /proc/sys/net are those of the network namespace that the thread is in: no program is needed. */
  #inNetworkOf<T>(pod: CapturePod, action: () => T): T {
    using namespace = NetworkNamespace.open(pod.netns);
    return namespace.run(action);
  }

  #file(setting: string): string {
    return `${this.#kernelSettings}/${setting.replaceAll('.', '/')}`;
  }
}

/** Lines for `ip -batch` that bring marked packets back to this host; nothing where the rule is there already. */
async function missingRoutes(pod: CapturePod): Promise<string> {
  const rules = await commandsIn(pod)('ip', ['rule', 'show']);
  const route = `route replace local 0.0.0.0/0 dev lo table ${transparentTable}\n`;
  if (rules.includes(`lookup ${transparentTable}`)) return route;
  return `rule add fwmark ${socketMarks.inbound}/${socketMarks.mask} lookup ${transparentTable}\n${route}`;
}

type RunInPod = (file: string, argv: readonly string[], input?: string) => Promise<string>;

function commandsIn(pod: CapturePod): RunInPod {
  return (file, argv, input = '') => runCommand('nsenter', [`--net=${pod.netns}`, '--', file, ...argv], input);
}
