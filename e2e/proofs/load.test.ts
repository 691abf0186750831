import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { TestCluster } from '../test/support/test-cluster.ts';
import { builtProgram } from './built-program.ts';
import { note } from './notes.ts';
import { startProofCluster } from './mesh-of-two-agents.ts';

const requests = 100_000;

describe('100,000 requests through two agents without one error', () => {
  let cluster: TestCluster;
  let ghz: string;

  beforeAll(async () => {
    ghz = await builtProgram('ghz', 'ghz');
    cluster = await startProofCluster('load');
  }, 900_000);

  afterAll(async () => {
    await cluster?.down();
  });

  /** Runs h2load in the client's pod; gives its line about what succeeded, and its line of statuses. */
  const h2load = async (argv: readonly string[], url: string): Promise<(string | undefined)[]> => {
    const command = ['h2load', '-n', `${requests}`, '--connection-active-timeout=100', ...argv, url];
    const { stdout, stderr } = await cluster.exec('shop/client', command);
    const line = (start: string) => stdout.split('\n').find((text) => text.startsWith(start));
    const lines = [line('requests:'), line('status codes:')];
    note(`h2load ${argv.join(' ')}: ${line('finished in') ?? ''}`);
    if (lines[0] === undefined) throw new Error(`h2load said: ${stdout}${stderr}`);
    return lines;
  };

  const everyOneAnswered = [
    `requests: ${requests} total, ${requests} started, ${requests} done, ${requests} succeeded, 0 failed, 0 errored, 0 timeout`,
    `status codes: ${requests} 2xx, 0 3xx, 0 4xx, 0 5xx`,
  ];

  it('h2load over HTTP/2, to a server that sends GOAWAY every 1000 requests', async () => {
    const lines = await h2load(['-c', '8', '-m', '16'], 'http://nginx.shop.svc.cluster.local:81/');
    expect(lines).toEqual(everyOneAnswered);
  });

  it('h2load over HTTP/2 with a body, which is sent again where the server did not process it', async () => {
    cluster.write('body.txt', 'x'.repeat(1_000));
    const lines = await h2load(
      ['-c', '8', '-m', '16', '-d', `${cluster.directory}/body.txt`],
      'http://nginx.shop.svc.cluster.local:81/',
    );
    expect(lines).toEqual(everyOneAnswered);
  });

  it('h2load over HTTP/1.1, to a server that closes every 1000 requests', async () => {
    const lines = await h2load(['--h1', '-c', '32'], 'http://nginx.shop.svc.cluster.local/');
    expect(lines).toEqual(everyOneAnswered);
  });

  it('ghz, gRPC calls', async () => {
    cluster.write('load.proto', proto);
    const { stdout, stderr } = await cluster.exec('shop/client', [
      ghz,
      '--insecure',
      `--proto=${cluster.directory}/load.proto`,
      '--call=grpc.testing.TestService/EmptyCall',
      `--total=${requests}`,
      '--concurrency=64',
      '--connections=4',
      '--format=json',
      'interop.shop.svc.cluster.local:10000',
    ]);
    if (stdout === '') throw new Error(`ghz said: ${stderr}`);
    const report = JSON.parse(stdout) as { readonly statusCodeDistribution: unknown; readonly rps: number };
    note(`ghz: ${Math.round(report.rps)} calls a second`);
    expect(report.statusCodeDistribution).toEqual({ OK: requests });
  });
});

/** What is called of the interop server's own service. */
const proto = `syntax = "proto3";
package grpc.testing;
message Empty {}
service TestService { rpc EmptyCall(Empty) returns (Empty); }
`;
