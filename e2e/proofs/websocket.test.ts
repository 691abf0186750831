import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { CommandResult } from '../src/playground-client.ts';
import { waitFor } from '../src/playground-client.ts';
import type { TestCluster } from '../test/support/test-cluster.ts';
import { note } from './notes.ts';
import { startProofCluster } from './mesh-of-two-agents.ts';
import { pythonWith } from './python-environment.ts';

/**
 * All cases of the Autobahn suite but two kinds: of compression the first two of each setting (the others repeat them, a
 * thousand messages of another size each), and none of the four whose outcome is how fast the machine is (4 MiB in
 * fragments of 64 and 256 bytes).
 */
const settings = ['12.1', '12.2', '12.3', '12.4', '12.5', '13.1', '13.2', '13.3', '13.4', '13.5', '13.6', '13.7'];
const included = [
  ...['1.*', '2.*', '3.*', '4.*', '5.*', '6.*', '7.*', '9.*', '10.*'],
  ...settings.flatMap((setting) => [`${setting}.1`, `${setting}.2`]),
];
const excluded = ['9.3.1', '9.3.2', '9.4.1', '9.4.2'];
const selection = [...included.flatMap((cases) => ['-i', cases]), ...excluded.flatMap((one) => ['-x', one])];
const leastCases = 300;

/**
 * What the suite says of each case: of the messages, of the end, and the code that came with it. NON-STRICT counts as OK:
 * it says whether a peer noticed a violation before it had echoed what came in front of it, which is another time in
 * each run, direct ones too.
 */
type Verdicts = Readonly<Record<string, string>>;

function readVerdicts(directory: string): Verdicts {
  interface Case {
    readonly behavior: string;
    readonly behaviorClose: string;
    readonly remoteCloseCode: number | null;
  }
  const report = JSON.parse(readFileSync(join(directory, 'index.json'), 'utf8')) as Record<
    string,
    Record<string, Case>
  >;
  const [cases = {}] = Object.values(report);
  return Object.fromEntries(
    Object.entries(cases).map(([id, { behavior, behaviorClose, remoteCloseCode }]) => [
      id,
      `${behavior === 'NON-STRICT' ? 'OK' : behavior}, ${behaviorClose}, ${remoteCloseCode}`,
    ]),
  );
}

describe('the Autobahn cases, as kosoku runs them, beside the Python library websockets', () => {
  let cluster: TestCluster;
  let python: string;
  const suite = ['-c', 'from kosoku._cli import main; main()'];
  const report = (name: string): string => join(cluster.directory, name);

  beforeAll(async () => {
    python = await pythonWith('websocket', ['kosoku==0.1.0', 'websockets==17.4']);
    cluster = await startProofCluster('websocket');
    copyFileSync(join(import.meta.dirname, 'websocket-peer.py'), report('websocket-peer.py'));
    void cluster.exec('shop/nginx', [python, report('websocket-peer.py'), 'serve', '0.0.0.0', '9000']);
    await listens('shop/nginx', 9000);
  }, 900_000);

  afterAll(async () => {
    await cluster?.down();
  });

  const listens = async (pod: string, port: number): Promise<void> => {
    const look = ['python3', '-c', `import socket; socket.create_connection(("127.0.0.1", ${port})).close()`];
    await waitFor(`${pod} listens on ${port}`, 20_000, async () => {
      const { status } = await cluster.exec(pod, look);
      return status === 0 ? true : undefined;
    });
  };

  /** The suite is the client, and judges the server at `url`. */
  const judgeServer = async (pod: string, url: string, name: string): Promise<Verdicts> => {
    await cluster.exec(pod, [python, ...suite, '-p', '4', ...selection, '-o', report(name), url]);
    return readVerdicts(report(name));
  };

  /** The suite is a server in the server's pod, and judges the client in `pod`. */
  const judgeClient = async (pod: string, host: string, name: string): Promise<Verdicts> => {
    const port = name === 'client-direct' ? 9001 : 9002;
    const serving: Promise<CommandResult> = cluster.exec('shop/nginx', [
      ...[python, ...suite, '-m', 'fuzzingserver', ...selection],
      ...['-o', report(name), `0.0.0.0:${port}`],
    ]);
    await listens('shop/nginx', port);
    const asked = await cluster.exec(pod, [python, report('websocket-peer.py'), 'ask', `ws://${host}:${port}`]);
    await serving;
    try {
      return readVerdicts(report(name));
    } catch (cause) {
      throw new Error(`no report: ${asked.stderr}`, { cause });
    }
  };

  const service = 'websocket.shop.svc.cluster.local';

  const same = (direct: Verdicts, through: Verdicts): void => {
    const count = Object.keys(direct).length;
    const good = Object.values(direct).filter((verdict) => verdict.startsWith('OK, OK')).length;
    note(`WebSocket: ${count} cases, ${good} of them OK direct`);
    expect(count).toBeGreaterThan(leastCases);
    expect(good).toBeGreaterThan(count * 0.9);
    expect(through).toEqual(direct);
  };

  it('a server gets the same verdict of each case through two agents as direct', async () => {
    const direct = await judgeServer('shop/nginx', 'ws://127.0.0.1:9000', 'server-direct');
    same(direct, await judgeServer('shop/client', `ws://${service}:9000`, 'server-meshed'));
  }, 600_000);

  it('and so does a client', async () => {
    const direct = await judgeClient('shop/nginx', '127.0.0.1', 'client-direct');
    same(direct, await judgeClient('shop/client', service, 'client-meshed'));
  }, 600_000);
});
