import { run } from '../../src/playground-client.ts';

/** What the mesh has put into a pod's network namespace; nothing of it is there when the pod is in no mesh. */
export interface MeshTraces {
  /** Rules of iptables that mention the mesh. */
  readonly rules: readonly string[];
  /** The mesh's ports that something listens on. */
  readonly ports: readonly number[];
}

const meshPorts = [15_001, 15_006, 15_008];

/** Looks for traces of the mesh in a network namespace. */
export async function meshTraces(netns: string): Promise<MeshTraces> {
  const [rules, listeners] = await Promise.all([inNetns(netns, ['iptables-save']), inNetns(netns, ['ss', '-Htln'])]);
  return {
    rules: rules.split('\n').filter((line) => line.includes('TULLE')),
    ports: meshPorts.filter((port) => listeners.includes(`:${port} `)),
  };
}

async function inNetns(netns: string, command: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await run('ip', ['netns', 'exec', netns, ...command]);
  if (status !== 0) throw new Error(`${command.join(' ')} in ${netns}: ${stderr}`);
  return stdout;
}
