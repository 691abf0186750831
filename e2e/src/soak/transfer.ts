import { readFileSync } from 'node:fs';
import { MeshOfNamespaces } from '../../../agent/test/mesh-of-namespaces.ts';
import type { TestPod } from '../../../agent/test/mesh-of-namespaces.ts';
import { makeLinkBad } from './bad-link.ts';
import { bulkClients } from './bulk-clients.ts';
import type { BulkProtocol } from './bulk-servers.ts';
import { bulkServers, patternHash } from './bulk-servers.ts';

const mebibyte = 1 << 20;
const sampleMs = 100;

/** What the client speaks and what the server does, and the Service's protocol that says the latter. */
const ways = [
  { name: 'HTTP/1.1', client: 'HTTP/1.1', server: 'HTTP/1.1', appProtocol: 'http' },
  { name: 'HTTP/2', client: 'HTTP/2', server: 'HTTP/2', appProtocol: 'http2' },
  { name: 'TCP', client: 'TCP', server: 'TCP', appProtocol: 'tcp' },
  { name: 'HTTP/1.1 to HTTP/2', client: 'HTTP/1.1', server: 'HTTP/2', appProtocol: 'http2' },
  { name: 'HTTP/2 to HTTP/1.1', client: 'HTTP/2', server: 'HTTP/1.1', appProtocol: 'http' },
] as const satisfies readonly { name: string; client: BulkProtocol; server: BulkProtocol; appProtocol: string }[];

/** One transfer: how long it took, and how much the worker that carried both ends of it grew. */
export interface TransferResult {
  readonly way: string;
  readonly direction: 'upload' | 'download';
  readonly seconds: number;
  readonly equal: boolean;
  /** The worker's largest resident memory, less what it had before the first transfer. */
  readonly grownMebibytes: number;
}

/** What came of all transfers. */
export interface TransferReport {
  readonly link: string;
  readonly bytes: number;
  readonly results: readonly TransferResult[];
}

function residentBytes(pid: number): number {
  const pages = readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1];
  return Number(pages) * 4096;
}

/**
 * Carries `bytes` by each protocol both ways through a worker, over a bad link, with a slow reader. Needs root. One
 * worker is both ends of the tunnel, so that its memory is that of two agents.
 *
 * @param limitMs after so long a transfer has failed
 */
export async function transferAll(options: {
  readonly bytes: number;
  readonly limitMs: number;
  readonly log: (line: string) => void;
}): Promise<TransferReport> {
  const { bytes, limitMs, log } = options;
  const mesh = await MeshOfNamespaces.create();
  const servers = [];
  try {
    const client = await mesh.addPod('client');
    const server = await mesh.addPod('server');
    const link = await makeLinkBad(server.spec.netns);
    const wanted = patternHash(bytes);
    const results: TransferResult[] = [];
    for (const [i, { server: protocol, appProtocol }] of ways.entries()) {
      const port = 8080 + i;
      servers.push(bulkServers[protocol]().listen({ fd: mesh.listen(server, port) }));
      mesh.addService(`bulk${i}`, `10.99.0.1${i}`, { pods: [server], targetPort: port, protocol: appProtocol });
    }
    const before = residentBytes(mesh.workerPid);
    for (const [i, way] of ways.entries()) {
      for (const direction of ['upload', 'download'] as const) {
        const transfer = { client: way.client, direction, bytes, limitMs, address: `10.99.0.1${i}` };
        const done = await measure(mesh, client, transfer);
        const grownMebibytes = Math.round((done.peakBytes - before) / mebibyte);
        results.push({ way: way.name, direction, seconds: done.seconds, equal: done.hash === wanted, grownMebibytes });
        log(`${way.name} ${direction}: ${done.seconds.toFixed(1)} s, worker grew by ${grownMebibytes} MiB`);
      }
    }
    return { link, bytes, results };
  } finally {
    for (const one of servers) one.close();
    await mesh.close();
  }
}

async function measure(
  mesh: MeshOfNamespaces,
  client: TestPod,
  transfer: {
    readonly client: BulkProtocol;
    readonly direction: 'upload' | 'download';
    readonly bytes: number;
    readonly limitMs: number;
    readonly address: string;
  },
): Promise<{ readonly hash: string; readonly seconds: number; readonly peakBytes: number }> {
  const { client: protocol, direction, bytes, limitMs, address } = transfer;
  const started = performance.now();
  const socket = await mesh.connect(client, { address, port: 80 });
  let peakBytes = 0;
  const sampler = setInterval(() => {
    peakBytes = Math.max(peakBytes, residentBytes(mesh.workerPid));
  }, sampleMs);
  const limit = setTimeout(() => socket.destroy(new Error('the transfer took too long')), limitMs);
  try {
    const hash = await Promise.race([
      bulkClients[protocol][direction](socket, bytes),
      new Promise<string>((_resolve, reject) => socket.once('error', reject)),
    ]);
    return { hash, seconds: (performance.now() - started) / 1000, peakBytes };
  } finally {
    clearTimeout(limit);
    clearInterval(sampler);
    socket.destroy();
  }
}
