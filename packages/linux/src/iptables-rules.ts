import { podPorts, probeSourceAddress, socketMarks } from './capture.ts';

/** The names of our chains; everything that the agent puts into a pod's tables is in them or jumps to them. */
export const chains = { output: 'TULLE_OUTPUT', prerouting: 'TULLE_PREROUTING' } as const;

/** The routing table and rule that bring an application's answers to a client's address back to the agent. */
export const transparentTable = 15_006;

const mark = (value: number) => `0x${value.toString(16)}/0x${socketMarks.mask.toString(16)}`;

/**
 * The jumps into our chains. Only connections that begin (`--syn`) are looked at: conntrack starts to work when the
 * first rule arrives, takes flows that are already open for new ones, and would redirect them mid-stream.
 */
export const jumps: readonly { readonly chain: string; readonly rule: string }[] = [
  { chain: 'OUTPUT', rule: `-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j ${chains.output}` },
  { chain: 'PREROUTING', rule: `! -i lo -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j ${chains.prerouting}` },
];

/** What `iptables-restore --noflush` takes to capture a pod; `missingJumps` are those that its tables do not have yet. */
export function captureRules(missingJumps: readonly { readonly chain: string; readonly rule: string }[]): string {
  return [
    '*nat',
    `:${chains.output} - [0:0]`,
    `:${chains.prerouting} - [0:0]`,
    `-A ${chains.output} -m mark --mark ${mark(socketMarks.outbound)} -j RETURN`,
    `-A ${chains.output} -m mark --mark ${mark(socketMarks.inbound)} -j RETURN`,
    `-A ${chains.output} -o lo -j RETURN`,
    `-A ${chains.output} -d 127.0.0.0/8 -j RETURN`,
    `-A ${chains.output} -p tcp -j REDIRECT --to-ports ${podPorts.outbound}`,
    `-A ${chains.prerouting} -s ${probeSourceAddress}/32 -j RETURN`,
    `-A ${chains.prerouting} -p tcp -m tcp --dport ${podPorts.hbone} -j RETURN`,
    `-A ${chains.prerouting} -p tcp -j REDIRECT --to-ports ${podPorts.inboundPlaintext}`,
    ...missingJumps.map(({ chain, rule }) => `-I ${chain} 1 ${rule}`),
    'COMMIT',
    '',
  ].join('\n');
}

/**
 * What `iptables-restore --noflush` takes to let new connections go. One rule that uses conntrack stays: without any,
 * the kernel would stop tracking and the connections that were redirected would break.
 */
export function releaseRules(): string {
  return [
    '*nat',
    `:${chains.output} - [0:0]`,
    `:${chains.prerouting} - [0:0]`,
    `-A ${chains.output} -m conntrack --ctstate INVALID -j RETURN`,
    'COMMIT',
    '',
  ].join('\n');
}

/** What `iptables-restore --noflush` takes to remove all that is ours; `present` are the jumps that are there. */
export function removeRules(present: readonly { readonly chain: string; readonly rule: string }[]): string {
  return [
    '*nat',
    `:${chains.output} - [0:0]`,
    `:${chains.prerouting} - [0:0]`,
    ...present.map(({ chain, rule }) => `-D ${chain} ${rule}`),
    `-X ${chains.output}`,
    `-X ${chains.prerouting}`,
    'COMMIT',
    '',
  ].join('\n');
}

/** The jumps of ours that an `iptables-save -t nat` shows. */
export function presentJumps(saved: string): typeof jumps {
  const lines = new Set(saved.split('\n').map((line) => line.trim()));
  return jumps.filter(({ chain, rule }) => lines.has(`-A ${chain} ${rule}`));
}

/** Whether an `iptables-save -t nat` shows all of our rules, as {@link captureRules} makes them. */
export function isCaptured(saved: string): boolean {
  const lines = new Set(saved.split('\n').map((line) => line.trim()));
  const ours = captureRules([])
    .split('\n')
    .filter((line) => line.startsWith('-A '));
  return presentJumps(saved).length === jumps.length && ours.every((line) => lines.has(line));
}
