import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { TestCluster } from '../test/support/test-cluster.ts';
import { builtProgram } from './built-program.ts';
import { startProofCluster } from './mesh-of-two-agents.ts';

/** The policy that gathers load reports for the `orca` cases, as in gRPC's own run of the suite. */
const serviceConfig = '{"loadBalancingConfig":[{"test_backend_metrics_load_balancer":{}}]}';

/**
 * Every case of the interop client that needs no credentials of a cloud, but one: `pick_first_unary` asks the server
 * for its id, which the interop server does not have (without a mesh the case fails in the same way).
 */
const cases = [
  'empty_unary',
  'large_unary',
  'client_streaming',
  'server_streaming',
  'ping_pong',
  'empty_stream',
  'timeout_on_sleeping_server',
  'cancel_after_begin',
  'cancel_after_first_response',
  'status_code_and_message',
  'special_status_message',
  'custom_metadata',
  'unimplemented_method',
  'unimplemented_service',
  'orca_per_rpc',
  'orca_oob',
  'rpc_soak',
  'channel_soak',
];

describe("gRPC's own interop client and server 1.85.0, through two agents", () => {
  let cluster: TestCluster;
  let client: string;

  beforeAll(async () => {
    client = await builtProgram('grpc-interop', 'client');
    cluster = await startProofCluster('grpc-interop');
  }, 900_000);

  afterAll(async () => {
    await cluster?.down();
  });

  it.each(cases)('%s', async (name) => {
    const { status, stdout, stderr } = await cluster.exec('shop/client', [
      client,
      '--server_host=interop.shop.svc.cluster.local',
      '--server_port=10000',
      `--service_config_json=${serviceConfig}`,
      `--test_case=${name}`,
    ]);
    if (status !== 0) throw new Error(`${name} ended with ${status}:\n${stdout}${stderr}`);
  });

  it('was carried by a tunnel between the two nodes', async () => {
    const { tunnels } = await cluster.askAgent<{ tunnels: readonly { peerIdentity: string }[] }>('n1', '/v1/tunnels');
    expect(tunnels.map(({ peerIdentity }) => peerIdentity)).toContain('spiffe://cluster.local/ns/shop/sa/server');
  });
});
