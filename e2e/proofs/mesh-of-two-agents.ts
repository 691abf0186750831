import { TestCluster } from '../test/support/test-cluster.ts';
import { builtProgram } from './built-program.ts';

/** The playground of proofs/manifests: a client on one node, and on the other nginx and gRPC's own interop server. */
export async function startProofCluster(name: string): Promise<TestCluster> {
  const server = await builtProgram('grpc-interop', 'server');
  const cluster = new TestCluster(name, '../../proofs/manifests');
  try {
    cluster.edit('shop.yaml', (text) =>
      text.replaceAll('GRPC-INTEROP/server', server).replaceAll('PROOF-DIRECTORY', cluster.directory),
    );
    cluster.edit('nginx.conf', (text) => text.replaceAll('PROOF-DIRECTORY', cluster.directory));
    await cluster.start();
    await cluster.untilCaptured('shop', ['client', 'interop', 'nginx']);
    return cluster;
  } catch (error) {
    await cluster.down();
    throw error;
  }
}
