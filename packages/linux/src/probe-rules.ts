import { isIPv4 } from 'node:net';
import { probeSourceAddress } from './capture.ts';
import { runCommand } from './run-command.ts';

/** The chain in the node's own namespace that gives probes their source address. */
const chain = 'TULLE_PROBES';
const jump = `-p tcp -m owner --socket-exists -j ${chain}`;

/** What `iptables-restore --noflush` takes to give probes of these pods their own source address. */
export function probeRules(addresses: readonly string[], hasJump: boolean): string {
  return [
    '*nat',
    `:${chain} - [0:0]`,
    ...addresses
      .filter((address) => isIPv4(address))
      .map((address) => `-A ${chain} -d ${address}/32 -p tcp -j SNAT --to-source ${probeSourceAddress}`),
    ...(hasJump ? [] : [`-I POSTROUTING 1 ${jump}`]),
    'COMMIT',
    '',
  ].join('\n');
}

/**
 * Gives connections of the node's own processes to captured pods (kubelet probes above all) a source address that no pod
 * can have, which the pods' rules let through: so probes pass in STRICT mode, and also while the agent is away. Only
 * sockets of the node itself count (`--socket-exists`): forwarded traffic, NodePorts among it, gets no such pass.
 */
export class ProbeRules {
  #applied = '';
  #wanted: readonly string[] = [];
  #running: Promise<void> | undefined;

  /** Takes the addresses of the pods that are captured now. Rejects where the rules could not be set. */
  update(addresses: Iterable<string>): Promise<void> {
    this.#wanted = [...addresses].sort((a, b) => a.localeCompare(b));
    this.#running ??= this.#apply().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /** Takes the rules away. */
  async remove(): Promise<void> {
    const saved = await runCommand('iptables-save', ['-t', 'nat']);
    if (!saved.includes(chain)) return;
    const lines = ['*nat', `:${chain} - [0:0]`];
    if (saved.includes(`-j ${chain}`)) lines.push(`-D POSTROUTING ${jump}`);
    await runCommand('iptables-restore', ['--noflush', '--wait'], [...lines, `-X ${chain}`, 'COMMIT', ''].join('\n'));
  }

  async #apply(): Promise<void> {
    while (this.#wanted.join(' ') !== this.#applied) {
      const wanted = this.#wanted;
      const saved = await runCommand('iptables-save', ['-t', 'nat']);
      const hasJump = saved.includes(`-A POSTROUTING ${jump}`);
      await runCommand('iptables-restore', ['--noflush', '--wait'], probeRules(wanted, hasJump));
      this.#applied = wanted.join(' ');
    }
  }
}
