import { run } from '../playground-client.ts';

/** What a link does to packets, in words for the report. */
export type LinkTrouble = string;

const netem = ['netem', 'delay', '5ms', '1ms', 'loss', '0.1%'];
const shaper = ['tbf', 'rate', '2gbit', 'burst', '256kb', 'latency', '20ms'];

/**
 * Makes the link of a network namespace a bad one, both ways: delay and loss by netem. A kernel without netem gets the
 * delay of a shaper's queue, with loss at its end, and random loss of what comes in by a rule.
 */
export async function makeLinkBad(netns: string): Promise<LinkTrouble> {
  const inside = (file: string, ...argv: string[]) => run('nsenter', [`--net=${netns}`, '--', file, ...argv]);
  const qdisc = ['qdisc', 'add', 'dev', 'eth0', 'root'];
  if ((await inside('tc', ...qdisc, ...netem)).status === 0) return netem.join(' ');
  const loss = ['-m', 'statistic', '--mode', 'random', '--probability', '0.001', '-j', 'DROP'];
  const done = [
    await inside('tc', ...qdisc, ...shaper),
    await inside('iptables', '-t', 'mangle', '-A', 'PREROUTING', '-i', 'eth0', '-p', 'tcp', ...loss),
  ];
  for (const { status, stderr } of done) if (status !== 0) throw new Error(`the link could not be made bad: ${stderr}`);
  return `${shaper.join(' ')}, and 0.1% of packets dropped by a rule (this kernel has no netem)`;
}
