/**
 * Two pods on a node, one flooding with 1,000 connections (wrk): what another one's 100 requests a second take, with the
 * mesh (one worker) and without it, in turns. Needs root and a quiet machine:
 *
 *   node agent/test/fairness/main.ts [ROUNDS]
 */
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestPod } from '../mesh-of-namespaces.ts';
import { MeshOfNamespaces } from '../mesh-of-namespaces.ts';

const rounds = Number(process.argv[2] ?? 2);
const program = (name: string): string[] => [process.execPath, join(import.meta.dirname, name)];
const mesh = await MeshOfNamespaces.create();

async function output(pod: TestPod, command: readonly string[]): Promise<string> {
  const child = mesh.spawnIn(pod, command, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout?.on('data', (bytes: Buffer) => (text += bytes.toString()));
  await once(child, 'close');
  return text.trim();
}

async function ground(name: string, meshed: boolean): Promise<Record<'flood' | 'other', [TestPod, string, string]>> {
  const place = async (role: string, clusterIP: string): Promise<[TestPod, string, string]> => {
    const client = await mesh.addPod(`${name}${role}c`, { meshed });
    const server = await mesh.addPod(`${name}${role}s`, { meshed });
    const child = mesh.spawnIn(server, program('server.mjs'), { stdio: ['ignore', 'pipe', 'inherit'] });
    if (child.stdout !== null) await once(child.stdout, 'data');
    if (!meshed) return [client, server.address, '8080'];
    mesh.addService(`${name}${role}`, clusterIP, { pods: [server], targetPort: 8080, protocol: 'http' });
    await mesh.measures();
    return [client, clusterIP, '80'];
  };
  return { flood: await place('f', '10.98.0.1'), other: await place('o', '10.98.0.2') };
}

try {
  const grounds = { direct: await ground('d', false), mesh: await ground('m', true) };
  for (let round = 0; round < rounds; round++) {
    for (const [kind, { flood, other }] of Object.entries(grounds)) {
      const [client, host, port] = other;
      const calm = await output(client, [...program('client.mjs'), host, port, '3']);
      const wrk = output(flood[0], ['wrk', '-t1', '-c1000', '-d8s', `http://${flood[1]}:${flood[2]}/`]);
      await sleep(1_500);
      const flooded = await output(client, [...program('client.mjs'), host, port, '5']);
      const rate = /Requests\/sec:\s+(\S+)/.exec(await wrk)?.[1];
      process.stdout.write(`${kind}: calm ${calm} flooded ${flooded}; the flood got ${rate} answers a second\n`);
    }
  }
} finally {
  await mesh.close();
}
