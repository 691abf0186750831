import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { TokenReviewAuthenticator } from '@tulle/ca';
import { silentLogger } from '@tulle/core';
import type { KubernetesClient } from '@tulle/kubernetes';
import { FakeApiServer, FakeClock } from '@tulle/testkit';
import { LeaderElection } from '../src/kubernetes/leader-election.ts';
import { ObjectStore } from '../src/objects/object-store.ts';
import { clientOf, resources, written } from './fake-cluster.ts';
import { objectsOf } from './objects.ts';

let server: FakeApiServer;
let client: KubernetesClient;

beforeEach(async () => {
  server = await FakeApiServer.start([...Object.values(resources), ...Object.values(written)]);
  client = clientOf(server);
});
afterEach(async () => {
  await client.close();
  await server.close();
});

describe('TokenReviewAuthenticator', () => {
  let store: ObjectStore;
  let clock: FakeClock;
  let tokens: TokenReviewAuthenticator;
  /** What the API server says of a token. */
  let status: object | undefined;

  beforeEach(() => {
    status = undefined;
    store = new ObjectStore(() => {});
    clock = new FakeClock();
    tokens = new TokenReviewAuthenticator({
      client,
      nodeOfPod: ({ namespace, name, uid }) => {
        const pod = store.get('Pod', namespace, name);
        return pod?.metadata.uid === uid ? pod.spec.nodeName : undefined;
      },
      audiences: ['tulle-ca', 'istio-ca'],
      agentServiceAccounts: ['tulle-system/agent'],
      trustDomain: 'cluster.local',
      clock,
      logger: silentLogger,
    });
    server.intercept = ({ path }) => {
      if (!path.endsWith('/tokenreviews')) return undefined;
      return status === undefined ? { status: 500, body: {} } : { status: 201, body: { status } };
    };
  });

  const accepted = (account: string, extra: object = {}, audiences = ['tulle-ca']) => ({
    authenticated: true,
    audiences,
    user: { username: `system:serviceaccount:${account}`, extra },
  });
  const nodeName = { 'authentication.kubernetes.io/node-name': ['n1'] };
  const boundPod = {
    'authentication.kubernetes.io/pod-name': ['agent-x'],
    'authentication.kubernetes.io/pod-uid': ['u1'],
  };

  it("knows an agent's node by its token", async () => {
    status = accepted('tulle-system:agent', nodeName);
    expect(await tokens.authenticate('token')).toEqual({ ok: true, value: { kind: 'node', node: 'n1' } });
    expect(await tokens.authenticateNode('token')).toMatchObject({ ok: true, value: { node: 'n1' } });
    expect(server.requests[0]?.body).toMatchObject({ spec: { token: 'token', audiences: ['tulle-ca', 'istio-ca'] } });
  });

  it('knows it by the pod that the token is bound to, where the token does not say the node', async () => {
    const podOf = (uid: string) => `
apiVersion: v1
kind: Pod
metadata: { namespace: tulle-system, name: agent-x, uid: ${uid} }
spec: { nodeName: n2, containers: [{ name: agent }] }
`;
    status = accepted('tulle-system:agent', boundPod);
    for (const object of objectsOf(podOf('u0'))) store.apply([{ type: 'set', object }]);
    expect(await tokens.authenticate('one')).toMatchObject({ ok: false, error: { code: 'unknown-token' } });
    for (const object of objectsOf(podOf('u1'))) store.apply([{ type: 'set', object }]);
    expect(await tokens.authenticate('two')).toEqual({ ok: true, value: { kind: 'node', node: 'n2' } });
  });

  it('takes every other service account for a workload, which is no agent', async () => {
    status = accepted('shop:cart', nodeName);
    const caller = await tokens.authenticate('token');
    expect(caller.ok && caller.value.kind === 'workload' && caller.value.identity.text).toBe(
      'spiffe://cluster.local/ns/shop/sa/cart',
    );
    expect(await tokens.authenticateNode('token')).toMatchObject({ ok: false, error: { code: 'unknown-token' } });
  });

  it.each<[string, object]>([
    ['that the API server does not accept', { authenticated: false, error: 'expired' }],
    ['for another audience', accepted('tulle-system:agent', nodeName, ['api'])],
    ['of a server that knows no audiences', accepted('tulle-system:agent', nodeName, [])],
    [
      'of a user',
      { authenticated: true, audiences: ['tulle-ca'], user: { username: 'system:admin', extra: nodeName } },
    ],
    ['of an agent that is bound to nothing', accepted('tulle-system:agent')],
  ])('refuses a token %s', async (_, answer) => {
    status = answer;
    expect(await tokens.authenticate('token')).toMatchObject({ ok: false, error: { code: 'unknown-token' } });
  });

  it('refuses a call without a token, and one that is too long, without a question', async () => {
    expect(await tokens.authenticate(undefined)).toMatchObject({ ok: false, error: { code: 'no-token' } });
    expect(await tokens.authenticate('x'.repeat(40_000))).toMatchObject({ ok: false });
    expect(server.requests).toEqual([]);
  });

  it('asks once for a token within a minute, and again after', async () => {
    status = accepted('tulle-system:agent', nodeName);
    await Promise.all([tokens.authenticate('token'), tokens.authenticate('token')]);
    clock.advance(59_000);
    await tokens.authenticate('token');
    expect(server.requests).toHaveLength(1);
    clock.advance(2000);
    status = { authenticated: false };
    expect(await tokens.authenticate('token')).toMatchObject({ ok: false });
    expect(server.requests).toHaveLength(2);
  });

  it('does not remember that the API server was away', async () => {
    expect(await tokens.authenticate('token')).toMatchObject({ ok: false, error: { code: 'unavailable' } });
    status = accepted('tulle-system:agent', nodeName);
    expect(await tokens.authenticate('token')).toMatchObject({ ok: true });
  });
});

describe('LeaderElection', () => {
  let clock: FakeClock;
  const running: LeaderElection[] = [];
  beforeEach(() => {
    clock = new FakeClock();
  });
  afterEach(async () => {
    server.intercept = () => undefined;
    for (const each of running.splice(0)) await each.close();
  });

  function candidate(identity: string) {
    const changes: boolean[] = [];
    const election = new LeaderElection({
      client,
      namespace: 'tulle-system',
      name: 'tulle-mesh-controller',
      identity,
      onChange: (leads) => changes.push(leads),
      clock,
      logger: silentLogger,
    });
    running.push(election);
    return { election, changes };
  }
  const lease = () =>
    server.object(written.lease, 'tulle-mesh-controller', 'tulle-system')?.['spec'] as
      Record<string, unknown> | undefined;
  /** Resolves once each of so many candidates waits for its next try. */
  async function idle(candidates: number): Promise<void> {
    while (clock.timers < candidates) await new Promise((resolve) => setImmediate(resolve));
  }
  /** Lets time pass second by second, each to the end of what it began, until `condition` holds; gives the seconds. */
  async function secondsUntil(condition: () => boolean, candidates = 1): Promise<number> {
    let seconds = 0;
    for (; !condition() && seconds < 120; seconds++) {
      clock.advance(1000);
      await idle(candidates);
    }
    return seconds;
  }

  it('lets one lead, and the other as soon as the first gives the lease back', async () => {
    const one = candidate('one');
    const two = candidate('two');
    one.election.start();
    await idle(1);
    two.election.start();
    await idle(2);
    await secondsUntil(() => server.requests.length > 40, 2);
    expect([one.election.leads, two.election.leads]).toEqual([true, false]);
    await one.election.close();
    expect(lease()).toMatchObject({ holderIdentity: '' });
    await secondsUntil(() => two.election.leads);
    expect(one.changes).toEqual([true, false]);
    expect(lease()).toMatchObject({ holderIdentity: 'two', leaseTransitions: 1 });
  });

  it('takes the lease of a leader that is silent, but not before its time', async () => {
    const spec = { holderIdentity: 'dead', leaseDurationSeconds: 15, renewTime: '2001-01-01T00:00:00.000000Z' };
    server.put(written.lease, { metadata: { namespace: 'tulle-system', name: 'tulle-mesh-controller' }, spec });
    const two = candidate('two');
    two.election.start();
    await idle(1);
    expect(await secondsUntil(() => two.election.leads)).toBeGreaterThanOrEqual(15);
    expect(lease()).toMatchObject({ holderIdentity: 'two' });
  });

  it('stops leading when it cannot renew, before another could begin', async () => {
    const one = candidate('one');
    one.election.start();
    await idle(1);
    expect(one.election.leads).toBe(true);
    server.intercept = ({ path }) => (path.includes('/leases') ? { status: 500, body: {} } : undefined);
    const seconds = await secondsUntil(() => !one.election.leads);
    expect(seconds).toBeGreaterThanOrEqual(10);
    expect(seconds).toBeLessThan(15);
  });
});
