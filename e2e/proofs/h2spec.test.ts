import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { temporaryDirectory, TestCa } from '@tulle/testkit';
import { MeshOfNamespaces } from '../../agent/test/mesh-of-namespaces.ts';
import { createOriginServer } from '../../packages/wire/testbed/origin-server.ts';
import { run } from '../cluster/src/process.ts';
import { builtProgram } from './built-program.ts';
import type { Http2Verdict } from './h2spec.ts';
import { h2specArguments, readVerdict } from './h2spec.ts';

/** All that h2spec 2.2.1 has, its strict cases included: none is exempt. */
const allPassed: Http2Verdict = { passed: 146, failed: [], skipped: 0 };

describe('h2spec 2.2.1', () => {
  const directory = temporaryDirectory();
  let h2spec: string;

  beforeAll(async () => {
    h2spec = await builtProgram('h2spec', 'h2spec');
  }, 600_000);

  afterAll(() => directory[Symbol.dispose]());

  it('passes in full over TLS against a listener with our codec', async () => {
    const ca = new TestCa();
    const leaf = ca.issue({ dnsNames: ['origin'] });
    const server = createOriginServer({ cert: leaf.certPem, key: leaf.keyPem }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const report = directory.file('tls.xml');
    await runH2spec([h2spec, ...h2specArguments({ address: '127.0.0.1', port, tls: true }, report)]);
    server.close();
    expect(readVerdict(report)).toEqual(allPassed);
  });

  it.each(['http2', 'detect'] as const)(
    'passes in full in clear against the captured port of a Service whose protocol is %s: the agent is the server',
    async (protocol) => {
      const mesh = await MeshOfNamespaces.create();
      const origin = createOriginServer();
      try {
        const web = await mesh.addPod('web');
        const cart = await mesh.addPod('cart');
        origin.listen({ fd: mesh.listen(cart, 8080) });
        mesh.addService('cart', '10.99.0.10', { pods: [cart], targetPort: 8080, protocol });
        const report = directory.file(`${protocol}.xml`);
        const to = { address: '10.99.0.10', port: 80 };
        await runH2spec(['nsenter', `--net=${web.spec.netns}`, '--', h2spec, ...h2specArguments(to, report)]);
        expect(readVerdict(report)).toEqual(allPassed);
      } finally {
        origin.close();
        await mesh.close();
      }
    },
  );
});

/** Failed cases show in the report, so that h2spec's own exit status is of no account. */
async function runH2spec(argv: readonly string[]): Promise<void> {
  await run(argv, { timeoutMs: 60_000 }).catch(() => {});
}
