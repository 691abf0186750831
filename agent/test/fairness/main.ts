/**
 * Two pods on a node, one flooding with 1,000 connections (wrk), or with 32 of HTTP/2 with 10 streams each (h2load, nginx):
 * what another one's 100 requests a second take, with the mesh (one worker) and without it, in turns; at the end medians
 * over the rounds. Needs root and a quiet machine:
 *
 *   node agent/test/fairness/main.ts [ROUNDS [http1|http2]]
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestPod } from '../mesh-of-namespaces.ts';
import { MeshOfNamespaces } from '../mesh-of-namespaces.ts';

const rounds = Number(process.argv[2] ?? 5);
const isHttp2 = process.argv[3] === 'http2';
const directory = mkdtempSync(join(tmpdir(), 'tulle-fairness-'));
const program = (name: string): string[] => [process.execPath, join(import.meta.dirname, name)];
const mesh = await MeshOfNamespaces.create();

interface Latency {
  readonly answers: number;
  readonly p50: number;
  readonly p99: number;
}

interface Round {
  readonly calm: Latency;
  readonly flooded: Latency;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return ((sorted[(sorted.length - 1) >> 1] ?? Number.NaN) + (sorted[sorted.length >> 1] ?? Number.NaN)) / 2;
}

/** Rounds of both kinds as lines: how p99 grew, and what it is beside the same flood without a mesh. */
function summary(direct: readonly Round[], meshed: readonly Round[]): string {
  const of = (rounds: readonly Round[]) => {
    const [calm, flooded] = (['calm', 'flooded'] as const).map((when) =>
      median(rounds.map((round) => round[when].p99)),
    );
    const growth = median(rounds.map((round) => round.flooded.p99 / round.calm.p99));
    return `p99 ${calm?.toFixed(1)} ms, ${flooded?.toFixed(1)} ms beside the flood: ${growth.toFixed(1)} times`;
  };
  const beside = median(meshed.map((round, i) => round.flooded.p99 / (direct[i]?.flooded.p99 ?? Number.NaN)));
  const growths = median(
    meshed.map(({ calm, flooded }, i) => {
      const bare = direct[i];
      return bare === undefined ? Number.NaN : flooded.p99 / calm.p99 / (bare.flooded.p99 / bare.calm.p99);
    }),
  );
  return [
    `without mesh: ${of(direct)}`,
    `with mesh:    ${of(meshed)}`,
    `with mesh / without, beside the flood: ${beside.toFixed(1)}; growth / growth: ${growths.toFixed(1)}`,
    '',
  ].join('\n');
}

async function output(pod: TestPod, command: readonly string[]): Promise<string> {
  const child = mesh.spawnIn(pod, command, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout?.on('data', (bytes: Buffer) => (text += bytes.toString()));
  await once(child, 'close');
  return text.trim();
}

/** Waits until the pod's server accepts connections, 5 s at most. */
async function untilAccepted(server: TestPod): Promise<void> {
  const tries = `for i in $(seq 100); do (exec 3<>/dev/tcp/127.0.0.1/8080) 2>/dev/null && exit; sleep 0.05; done; exit 1`;
  const child = mesh.spawnIn(server, ['bash', '-c', tries], { stdio: 'ignore' });
  const [code] = (await once(child, 'close')) as [number];
  if (code !== 0) throw new Error('the server of the flood does not answer');
}

async function ground(name: string, meshed: boolean): Promise<Record<'flood' | 'other', [TestPod, string, string]>> {
  const place = async (role: string, clusterIP: string): Promise<[TestPod, string, string]> => {
    const client = await mesh.addPod(`${name}${role}c`, { meshed });
    const server = await mesh.addPod(`${name}${role}s`, { meshed });
    if (isHttp2 && role === 'f') {
      const prefix = mkdtempSync(join(directory, 'nginx-'));
      mesh.spawnIn(server, ['nginx', '-p', prefix, '-c', join(import.meta.dirname, 'nginx.conf')]);
      await untilAccepted(server);
    } else {
      const child = mesh.spawnIn(server, program('server.mjs'), { stdio: ['ignore', 'pipe', 'inherit'] });
      if (child.stdout !== null) await once(child.stdout, 'data');
    }
    if (!meshed) return [client, server.address, '8080'];
    mesh.addService(`${name}${role}`, clusterIP, {
      pods: [server],
      targetPort: 8080,
      protocol: isHttp2 && role === 'f' ? 'http2' : 'http',
    });
    await mesh.measures();
    return [client, clusterIP, '80'];
  };
  return { flood: await place('f', '10.98.0.1'), other: await place('o', '10.98.0.2') };
}

try {
  const grounds = { direct: await ground('d', false), mesh: await ground('m', true) };
  const seen: { readonly [kind: string]: Round[] } = { direct: [], mesh: [] };
  for (let round = 0; round < rounds; round++) {
    for (const [kind, { flood, other }] of Object.entries(grounds)) {
      const [client, host, port] = other;
      const calm = await output(client, [...program('client.mjs'), host, port, '3']);
      const url = `http://${flood[1]}:${flood[2]}/`;
      const load = output(
        flood[0],
        isHttp2 ? ['h2load', '-c32', '-m10', '-D8', url] : ['wrk', '-t1', '-c1000', '-d8s', url],
      );
      await sleep(1_500);
      const flooded = await output(client, [...program('client.mjs'), host, port, '5']);
      const rate = (isHttp2 ? /, ([\d.]+) req\/s/ : /Requests\/sec:\s+(\S+)/).exec(await load)?.[1];
      seen[kind]?.push({ calm: JSON.parse(calm) as Latency, flooded: JSON.parse(flooded) as Latency });
      process.stdout.write(`${kind}: calm ${calm} flooded ${flooded}; the flood got ${rate} answers a second\n`);
    }
  }
  process.stdout.write(summary(seen['direct'] ?? [], seen['mesh'] ?? []));
} finally {
  await mesh.close();
  rmSync(directory, { recursive: true });
}
