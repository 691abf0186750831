import { X509Certificate } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { request } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { StatusView } from '@tulle/admin-api';
import { systemClock } from '@tulle/core';
import { SpiffeId } from '@tulle/identity';
import { RecordingLogger, temporaryDirectory, type TemporaryDirectory } from '@tulle/testkit';
import { MeshController, type ObjectChange, type ObjectSink, type ObjectSource } from '../src/index.ts';
import type { ObjectStore } from '../src/objects/object-store.ts';
import type { MeshSnapshot } from '../src/pipeline/mesh-snapshot.ts';
import { localPlatform } from '../src/platform.ts';
import { AgentStandIn, shopIdentity, writeToken } from './agent-stand-in.ts';
import { byName, snapshotOf, workload } from './mesh-fixture.ts';
import { setObjects } from './objects.ts';

/** A source whose objects a test gives; it is read to its end when the test says so. */
class FakeSource implements ObjectSource {
  readonly kind = 'directory';
  readonly #started = Promise.withResolvers<ObjectSink>();
  readonly #synced = Promise.withResolvers<void>();
  /** Resolves once the controller has called `start`. */
  readonly sink = this.#started.promise;
  closed = false;

  start(sink: ObjectSink): Promise<void> {
    this.#started.resolve(sink);
    return this.#synced.promise;
  }

  async apply(changes: readonly ObjectChange[]): Promise<void> {
    (await this.sink).apply(changes);
  }

  /** Says that everything has been read. */
  synced(): void {
    this.#synced.resolve();
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Every pod is a workload in the mesh; a Service named `bad` makes it fail. */
function fakeTranslate(store: ObjectStore): MeshSnapshot {
  if (store.get('Service', 'shop', 'bad') !== undefined) throw new Error('a defect');
  const workloads = [...store.ofKind('Pod')].map(({ metadata, spec }) =>
    workload(metadata.name, {
      node: spec.nodeName ?? '',
      serviceAccount: spec.serviceAccountName,
      identity: shopIdentity(spec.serviceAccountName).text,
    }),
  );
  return snapshotOf({ workloads: byName(workloads) });
}

const pod = (name: string, node: string) => `
apiVersion: v1
kind: Pod
metadata: { namespace: shop, name: ${name} }
spec: { nodeName: ${node}, serviceAccountName: ${name}, containers: [{ name: app }] }
`;

let directory: TemporaryDirectory;
let source: FakeSource;
let logger: RecordingLogger;
let controller: MeshController;
let started: Promise<number>;
const agents: AgentStandIn[] = [];

beforeEach(() => {
  directory = temporaryDirectory();
  mkdirSync(directory.file('tokens'));
  for (const node of ['n1', 'n2']) writeToken(directory.file('tokens'), node);
  source = new FakeSource();
  logger = new RecordingLogger();
  const stateDir = directory.file('state');
  const nodeTokensDir = directory.file('tokens');
  const local = {
    stateDir,
    nodeTokensDir,
    trustDomain: 'cluster.local',
    certificateLifetimeMs: 86_400_000,
    clock: systemClock,
    logger,
  };
  controller = new MeshController({
    source,
    translate: fakeTranslate,
    settings: { trustDomain: 'cluster.local', mtlsMode: 'permissive' },
    stateDir,
    listen: '127.0.0.1:0',
    platform: () => localPlatform(local),
    admin: directory.file('admin.sock'),
    version: '0.1.0',
    clock: systemClock,
    logger,
  });
  started = controller.start();
});

afterEach(async () => {
  for (const agent of agents.splice(0)) agent[Symbol.dispose]();
  await controller[Symbol.asyncDispose]();
  directory[Symbol.dispose]();
});

async function synced(yaml: string): Promise<number> {
  await source.apply(setObjects(yaml, 'shop.yaml'));
  source.synced();
  return started;
}

function agentOf(node: string, port: number, tokenOf = node): AgentStandIn {
  const agent = new AgentStandIn({
    node,
    address: `127.0.0.1:${port}`,
    bundleFile: directory.file('state/ca/bundle.pem'),
    workDir: directory.path,
    tokenOf,
  });
  agents.push(agent);
  return agent;
}

function admin(path: string): Promise<{ status: number; body: unknown }> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath: directory.file('admin.sock'), path }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) as unknown }));
    });
    call.on('error', reject).end();
  });
}

/** The status, once every agent has acknowledged the configuration: that arrives on a stream of its own. */
async function statusOnceConverged(): Promise<Awaited<ReturnType<typeof admin>>> {
  for (;;) {
    const answer = await admin('/v1/status');
    if ((answer.body as StatusView).controller.convergenceMs !== undefined) return answer;
  }
}

describe('MeshController', () => {
  it('is alive at once, but ready only once the source has been read to its end', async () => {
    await source.sink;
    expect(await admin('/healthz')).toEqual({ status: 200, body: { status: 'ok' } });
    expect(await admin('/readyz')).toMatchObject({ status: 503, body: { error: { code: 'Syncing' } } });
    expect(await admin('/v1/status')).toMatchObject({
      body: { controller: { state: 'syncing', configVersion: 'none' } },
    });
    await synced(pod('cart', 'n1'));
    expect(await admin('/readyz')).toMatchObject({ status: 200 });
    expect(await admin('/v1/status')).toMatchObject({
      body: { controller: { state: 'running', configVersion: 'v1', objects: { Pod: 1 } } },
    });
  });

  it('streams what the objects say, and each change of them', async () => {
    const agent = agentOf('n1', await synced(pod('cart', 'n1')));
    const first = await agent.until(() => true);
    expect([...first.workloads.keys()]).toEqual(['shop/cart']);
    await source.apply(setObjects(pod('web', 'n2')));
    const second = await agent.until(({ workloads }) => workloads.size === 2);
    expect(second.workloads.get('shop/web')).toMatchObject({ node: 'n2' });
    expect(agent.version).toBe('v2');
  });

  it('keeps what agents have when a translation fails, and tells of it', async () => {
    const agent = agentOf('n1', await synced(pod('cart', 'n1')));
    await agent.until(() => true);
    const bad =
      'apiVersion: v1\nkind: Service\nmetadata: { namespace: shop, name: bad }\nspec: { ports: [{ port: 80 }] }';
    await source.apply([...setObjects(bad), ...setObjects(pod('web', 'n1'))]);
    expect(await admin('/v1/status')).toMatchObject({
      status: 200,
      body: { controller: { configVersion: 'v1' }, problems: [{ code: 'TranslationFailed' }] },
    });
    await source.apply([{ type: 'delete', reference: { group: '', kind: 'Service', namespace: 'shop', name: 'bad' } }]);
    await agent.until(({ workloads }) => workloads.has('shop/web'));
    expect(await admin('/v1/problems')).toEqual({
      status: 200,
      body: { apiVersion: 'cli.tulle.dev/v1', kind: 'Problems', problems: [] },
    });
  });

  it("signs for the identities of a node's own pods, and counts what it issues and refuses", async () => {
    const port = await synced(`${pod('cart', 'n1')}---${pod('web', 'n2')}`);
    const agent = agentOf('n1', port);
    const [leaf] = await agent.certificate(shopIdentity('cart'));
    expect(new X509Certificate(leaf ?? '').subjectAltName).toBe('URI:spiffe://cluster.local/ns/shop/sa/cart');
    await expect(agent.certificate(shopIdentity('web'))).rejects.toMatchObject({
      code: 'ca-refused',
      message: expect.stringContaining('no pod in the mesh on node n1 has the identity'),
    });
    expect(await admin('/v1/status')).toMatchObject({
      body: { ca: { state: 'ok', issuedLast24Hours: 1, refusedLast24Hours: 1 } },
    });
  });

  it.each([
    ['of a pod of another node', 'shop', 'web'],
    ['of a service account that is not there', 'shop', 'admin'],
    ['of the same service account in another namespace', 'ops', 'cart'],
  ])('refuses an agent the identity %s, with an audit line', async (_, namespace, serviceAccount) => {
    const agent = agentOf('n1', await synced(`${pod('cart', 'n1')}---${pod('web', 'n2')}`));
    const id = SpiffeId.forWorkload({ trustDomain: 'cluster.local', namespace, serviceAccount });
    if (!id.ok) throw id.error;
    const reason = `no pod in the mesh on node n1 has the identity ${id.value.text}`;
    await expect(agent.certificate(id.value)).rejects.toMatchObject({
      code: 'ca-refused',
      message: expect.stringContaining(reason) as unknown,
    });
    expect(logger.lines.filter(({ fields }) => fields?.['audit'] === true)).toEqual([
      {
        level: 'warn',
        message: 'certificate refused',
        fields: {
          audit: true,
          decision: 'refused',
          caller: 'node/n1',
          identity: id.value.text,
          code: 'not-allowed',
          reason,
          peer: expect.stringMatching(/^127\.0\.0\.1:/) as unknown,
        },
      },
    ]);
  });

  it("lets no agent in with another node's token", async () => {
    const port = await synced(pod('cart', 'n1'));
    const impostor = agentOf('n1', port, 'n9');
    await expect(impostor.certificate(shopIdentity('cart'))).rejects.toMatchObject({ code: 'ca-refused' });
    expect(await admin('/v1/status')).toMatchObject({
      body: { nodes: [{ name: 'n1', agent: 'missing', podsWanted: 1 }, { name: 'n2' }] },
    });
  });

  it('tells what agents report', async () => {
    const agent = agentOf('n1', await synced(`${pod('cart', 'n1')}---${pod('web', 'n1')}`));
    await agent.until(() => true);
    await agent.report({
      pods: [
        { uid: 'uid-cart', namespace: 'shop', name: 'cart', captured: 'iptables' },
        { uid: 'uid-web', namespace: 'shop', name: 'web', captured: null, reason: 'its network namespace is gone' },
      ],
      certificates: [
        {
          identity: shopIdentity('cart').text,
          state: 'valid',
          serial: '0A',
          notBeforeMs: Date.now(),
          notAfterMs: Date.now() + 3_600_000,
        },
      ],
    });
    expect(await statusOnceConverged()).toMatchObject({
      body: {
        controller: { convergenceMs: expect.any(Number) },
        nodes: [
          {
            name: 'n1',
            agent: 'ready',
            podsCaptured: 1,
            podsWanted: 2,
            configVersion: 'v1',
            behindMs: 0,
            certificates: 1,
          },
          { name: 'n2', agent: 'missing' },
        ],
        problems: [{ code: 'NotCaptured', object: { kind: 'Pod', namespace: 'shop', name: 'web' } }],
      },
    });
    expect(await admin('/v1/certificates?namespace=shop')).toMatchObject({
      body: { roots: [{ signing: true }], certificates: [{ node: 'n1', serviceAccount: 'cart', state: 'valid' }] },
    });
    expect(await admin('/v1/certificates?namespace=qa')).toMatchObject({ body: { certificates: [] } });
  });

  it('answers what does not exist with what was probably meant', async () => {
    await synced(`
apiVersion: v1
kind: Service
metadata: { namespace: shop, name: cart }
spec: { clusterIP: 10.96.0.1, ports: [{ port: 80 }] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { namespace: shop, name: canary }
spec: { parentRefs: [{ group: '', kind: Service, name: cart }], rules: [{}] }
`);
    const message = async (path: string) => (await admin(path)).body;
    expect(await message('/v1/services/shop/carts')).toEqual({
      error: { code: 'NotFound', message: 'there is no Service shop/carts (did you mean "shop/cart"?)' },
    });
    expect(await message('/v1/services/qa/cart')).toMatchObject({
      error: { message: 'there is no Service qa/cart (did you mean "shop/cart"?)' },
    });
    expect(await message('/v1/services/shop/quite-another')).toMatchObject({
      error: { message: 'there is no Service shop/quite-another' },
    });
    expect(await message('/v1/routes/shop/canray')).toMatchObject({
      error: { message: 'there is no route shop/canray (did you mean "shop/canary"?)' },
    });
    expect(await message('/v1/routes/tcproute/shop/canary')).toMatchObject({
      error: { message: 'there is no TCPRoute shop/canary' },
    });
    expect(await message('/v1/routes/gateway/shop/canary')).toMatchObject({ error: { code: 'UnknownKind' } });
    expect(await admin('/v1/services/shop')).toMatchObject({ status: 404, body: { error: { code: 'UnknownPath' } } });
    expect(await message('/v1/routes/httproute/shop/canary')).toMatchObject({ kind: 'Route', applied: 'notApplied' });
  });

  it('dumps what agents are given', async () => {
    await synced(pod('cart', 'n1'));
    expect(await admin('/v1/dump')).toMatchObject({
      body: { kind: 'Dump', configVersion: 'v1', workloads: { 'shop/cart': { node: 'n1' } }, routes: {} },
    });
  });

  it('stops in order: source, agents, port, socket', async () => {
    const port = await synced(pod('cart', 'n1'));
    const agent = agentOf('n1', port);
    await agent.until(() => true);
    await controller.drain(1000);
    expect(source.closed).toBe(true);
    await expect(admin('/healthz')).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(agent.certificate(shopIdentity('cart'))).rejects.toMatchObject({ code: 'ca-unavailable' });
  });
});
