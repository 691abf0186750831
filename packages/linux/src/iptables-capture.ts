import { writeFileSync } from 'node:fs';
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

/** Kernel settings of a captured pod's namespace, with why each is needed. */
const sysctls: readonly (readonly [string, string])[] = [
  // The application's answers carry the mark of the connection they answer, so that they come back to the agent …
  ['net.ipv4.tcp_fwmark_accept', '1'],
  // … and so do resets: without it a connection to a closed port would hang.
  ['net.ipv4.fwmark_reflect', '1'],
  // Connections that wait in the queue of a listener that closes move to one that stays (hot restart, a dead worker).
  ['net.ipv4.tcp_migrate_req', '1'],
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

  async install(pod: CapturePod): Promise<void> {
    const inPod = commandsIn(pod);
    const saved = await inPod('iptables-save', ['-t', 'nat']);
    // The jumps come last: a pod that has them and the redirects was captured before, by an agent that is no more.
    if (isCaptured(saved)) return;
    this.#set(pod, sysctls);
    await inPod('ip', ['-force', '-batch', '-'], await missingRoutes(pod));
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
    const rules = await inPod('ip', ['rule', 'show']);
    if (rules.includes(`lookup ${transparentTable}`))
      await inPod('ip', ['rule', 'del', 'lookup', `${transparentTable}`]);
    await inPod('ip', ['route', 'flush', 'table', `${transparentTable}`]).catch(() => '');
    this.#set(
      pod,
      sysctls.map(([name]) => [name, '0']),
    );
  }

  async clean(pod: CapturePod): Promise<void> {
    const saved = await commandsIn(pod)('iptables-save', ['-t', 'nat']);
    if (!saved.includes(chains.output)) return;
    await this.release(pod);
    await this.remove(pod);
  }

  /** Files below /proc/sys/net are those of the network namespace that the thread is in: no program is needed. */
  #set(pod: CapturePod, values: readonly (readonly [name: string, value: string])[]): void {
    using namespace = NetworkNamespace.open(pod.netns);
    namespace.run(() => {
      for (const [name, value] of values) writeFileSync(`${this.#kernelSettings}/${name.replaceAll('.', '/')}`, value);
    });
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
