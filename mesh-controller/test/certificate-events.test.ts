import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { silentLogger } from '@tulle/core';
import type { KubernetesClient } from '@tulle/kubernetes';
import { FakeApiServer, FakeClock } from '@tulle/testkit';
import { CertificateEvents } from '../src/kubernetes/certificate-events.ts';
import { clientOf, resources, written } from './fake-cluster.ts';
import { byName, snapshotOf, workload } from './mesh-fixture.ts';

describe('CertificateEvents', () => {
  let server: FakeApiServer;
  let client: KubernetesClient;
  let clock: FakeClock;
  let events: CertificateEvents;
  const cart = workload('cart');
  const elsewhere = workload('elsewhere', { node: 'n2' });
  const failing = (hoursLeft: number) => ({
    identity: cart.identity,
    state: 'renewal-failing',
    notAfterMs: clock.nowMs() + hoursLeft * 3_600_000,
    error: 'the authority is away',
  });
  const messages = () =>
    server.requests
      .filter(({ method, path }) => method === 'POST' && path.endsWith('/events'))
      .map(({ body }) => body as { reason: string; message: string; involvedObject: { name: string } });

  beforeEach(async () => {
    server = await FakeApiServer.start([...Object.values(resources), ...Object.values(written)]);
    client = clientOf(server);
    clock = new FakeClock();
    const snapshot = snapshotOf({ workloads: byName([cart, elsewhere]) });
    events = new CertificateEvents({ client, snapshot: () => snapshot, clock, logger: silentLogger });
  });
  afterEach(async () => {
    await client.close();
    await server.close();
  });

  it('say on the pods of the node that their certificate is not renewed, and how long it will do', async () => {
    events.report({ node: 'n1', certificates: [failing(11)] });
    await server.until(() => messages().length === 1);
    expect(messages()).toMatchObject([
      {
        reason: 'CertificateNotRenewed',
        involvedObject: { kind: 'Pod', name: cart.name },
        message: `the certificate of ${cart.identity} is not renewed, it will do for 11 hours: the authority is away`,
      },
    ]);
  });

  it('come once in ten minutes, and not for certificates that are well, nor for pods of other nodes', async () => {
    events.report({ node: 'n1', certificates: [failing(11), { identity: cart.identity, state: 'valid' }] });
    events.report({ node: 'n1', certificates: [failing(11)] });
    events.report({ node: 'n3', certificates: [failing(11)] });
    await server.until(() => messages().length === 1);
    clock.advance(10 * 60_000);
    events.report({ node: 'n1', certificates: [failing(1)] });
    await server.until(() => messages().length === 2);
    expect(messages()[1]?.message).toContain('it will do for 60 minutes');
    expect(messages()).toHaveLength(2);
  });
});
