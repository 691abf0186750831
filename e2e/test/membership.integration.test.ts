import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Tunnel } from '../src/playground-client.ts';
import { waitFor } from '../src/playground-client.ts';
import type { MeshTraces } from './support/pod-network.ts';
import { meshTraces } from './support/pod-network.ts';
import { Remains } from './support/remains.ts';
import { Talker } from './support/talker.ts';
import { TestCluster } from './support/test-cluster.ts';

const cluster = new TestCluster('membership');
const podNames = ['echo', 'paint', 'web'];
const echo = { host: 'echo', port: 7000 };
const noTraces: MeshTraces = { rules: [], ports: [] };

beforeAll(async () => {
  await cluster.start();
});

afterAll(async () => {
  await cluster.down();
});

function label(mesh: 'enabled' | 'disabled'): void {
  cluster.edit('00-namespaces.yaml', (text) => text.replace(/mesh: \w+/, `mesh: ${mesh}`));
}

async function netnsOf(name: string): Promise<string> {
  return (await cluster.pod('shop', name)).netns;
}

/** How many connections of clients have come to the pods of n2 through tunnels, and in plaintext, up to now. */
async function arrivals(): Promise<{ readonly tunnelled: number; readonly plaintext: number }> {
  const { workers } = await cluster.askAgent<{ workers: { counters: Record<string, number> }[] }>('n2', '/v1/workers');
  const sum = (name: string) => workers.reduce((total, { counters }) => total + (counters[name] ?? 0), 0);
  return { tunnelled: sum('hbone_accepted'), plaintext: sum('inbound_plaintext_accepted') };
}

/** Waits until nothing of the mesh is left in a pod; else says what is, and what the agents said. */
async function untilLeft(name: string): Promise<void> {
  const netns = await netnsOf(name);
  let left = noTraces;
  const isClean = async () => {
    left = await meshTraces(netns);
    return left.rules.length === 0 && left.ports.length === 0 ? true : undefined;
  };
  await waitFor(`nothing of the mesh is left in ${name}`, 20_000, isClean).catch(async (error: unknown) => {
    const said = await Promise.all(['agent/n1', 'agent/n2'].map((agent) => cluster.lastLines(agent, 15)));
    throw new Error([JSON.stringify(left), ...said].join('\n'), { cause: error });
  });
}

/** The processes of every pod, and their start times: equal only while nothing was started again. */
async function processes(): Promise<unknown> {
  const { pods } = await cluster.status();
  return pods.map(({ name, uid, restarts }) => [name, uid, restarts]);
}

describe('pods that join and leave by the label of their namespace', () => {
  it('keep their open connections, idle and busy, and their processes; new connections change at once', async () => {
    await using talker = new Talker(cluster, 'shop/web');
    const flow = await cluster.flow('shop/web', { url: 'http://paint/', concurrency: 2 });
    const before = await processes();

    await talker.open('idle', echo);
    await talker.open('busy', echo);
    await talker.chatter('busy');
    expect(await meshTraces(await netnsOf('web'))).toEqual(noTraces);

    label('enabled');
    await cluster.untilCaptured('shop', podNames);
    const joined = await arrivals();
    await talker.open('tunnelled', echo);
    expect(await talker.say('tunnelled', 'new')).toBe('new');
    expect((await arrivals()).tunnelled).toBeGreaterThan(joined.tunnelled);
    expect(await talker.say('idle', 'from before the mesh')).toBe('from before the mesh');
    const traces = await meshTraces(await netnsOf('web'));
    expect(traces.rules.length).toBeGreaterThan(0);
    expect(traces.ports).toEqual([15_001, 15_006, 15_008]);

    await talker.open('tunnelled and busy', echo);
    await talker.chatter('tunnelled and busy');
    label('disabled');
    await cluster.untilCaptured('shop', []);
    await talker.open('after', echo);
    expect(await talker.say('after', 'direct')).toBe('direct');
    expect(await talker.say('idle', 'still there')).toBe('still there');
    expect(await talker.say('tunnelled', 'in the tunnel')).toBe('in the tunnel');

    const { answered } = (await talker.state())['tunnelled and busy'] ?? { answered: 0 };
    await waitFor('the busy connection in the tunnel goes on', 5_000, async () =>
      ((await talker.state())['tunnelled and busy']?.answered ?? 0) > answered + 10 ? true : undefined,
    );
    const states = await talker.state();
    expect(Object.entries(states).filter(([, { ended }]) => ended !== null)).toEqual([]);
    expect(states['busy']?.answered).toBeGreaterThan(100);
    const { answers } = await flow.stop();
    expect(Object.keys(answers)).toEqual(['200 red']);
    expect(await processes()).toEqual(before);

    await talker.close('tunnelled');
    await talker.close('tunnelled and busy');
    for (const name of podNames) await untilLeft(name);
    expect(await talker.say('after', 'unharmed')).toBe('unharmed');
    expect(await talker.say('idle', 'unharmed')).toBe('unharmed');
  });

  it('may change their mind at any time', async () => {
    await using talker = new Talker(cluster, 'shop/web');
    const flow = await cluster.flow('shop/web', { url: 'http://paint/', concurrency: 2, fresh: true });
    await talker.open('busy', echo);
    await talker.chatter('busy');
    for (let i = 0; i < 5; i++) {
      label('enabled');
      // The edit is read, and acted on or not: the next one comes all the same.
      await cluster.status();
      label('disabled');
      if (i % 2 === 0) await cluster.untilCaptured('shop', []);
    }
    label('enabled');
    await cluster.untilCaptured('shop', podNames);
    expect((await flow.stop()).answers).toEqual({ '200 red': expect.any(Number) });
    expect((await talker.state())['busy']?.ended).toBeNull();
  });
});

describe('a pod with a label of its own', () => {
  it('stays out of the mesh of its namespace, is reached in plaintext, and joins when the label goes', async () => {
    const pod = (labels: string) => `
apiVersion: v1
kind: Pod
metadata: { name: loner, namespace: shop, labels: { app: loner${labels} } }
spec:
  nodeName: n2
  containers: [{ name: main, command: [node, echo.mjs], ports: [{ containerPort: 7000 }] }]
---
apiVersion: v1
kind: Service
metadata: { name: loner, namespace: shop }
spec: { selector: { app: loner }, ports: [{ port: 7000 }] }
`;
    cluster.write('loner.yaml', pod(', tulle.dev/mesh: disabled'));
    await waitFor('the pod is ready', 10_000, async () =>
      (await cluster.status()).pods.some(({ name, ready }) => name === 'loner' && ready) ? true : undefined,
    );
    expect(await cluster.capturedPods('shop')).not.toContain('loner');
    await using talker = new Talker(cluster, 'shop/web');
    const before = await arrivals();
    await talker.open('plain', { host: 'loner', port: 7000 });
    expect(await talker.say('plain', 'hello')).toBe('hello');
    expect((await arrivals()).tunnelled).toBe(before.tunnelled);

    cluster.write('loner.yaml', pod(''));
    await cluster.untilCaptured('shop', [...podNames, 'loner']);
    await talker.open('tunnelled', { host: 'loner', port: 7000 });
    expect(await talker.say('tunnelled', 'hello')).toBe('hello');
    expect((await arrivals()).tunnelled).toBe(before.tunnelled + 1);
    expect(await talker.say('plain', 'hello')).toBe('hello');
  });
});

describe('the identities at both ends of a tunnel', () => {
  it("are those of the pods' service accounts", async () => {
    await using talker = new Talker(cluster, 'shop/web');
    await talker.open('held', echo);
    await talker.say('held', 'hello');
    const [n1, n2] = await Promise.all(
      ['n1', 'n2'].map((node) => cluster.askAgent<{ tunnels: Tunnel[] }>(node, '/v1/tunnels')),
    );
    const identity = 'spiffe://cluster.local/ns/shop/sa/default';
    expect(n1?.tunnels).toContainEqual(
      expect.objectContaining({ pod: 'shop/web', direction: 'outbound', peerIdentity: identity }),
    );
    expect(n2?.tunnels).toContainEqual(
      expect.objectContaining({ pod: 'shop/echo', direction: 'inbound', peerIdentity: identity }),
    );
  });
});

describe('two playgrounds', () => {
  it('run side by side with the same addresses, and the end of one leaves the other alone, and nothing behind', async () => {
    await using talker = new Talker(cluster, 'shop/web');
    await talker.open('held', echo);
    await using other = new TestCluster('beside', 'membership');
    other.edit('00-namespaces.yaml', (text) => text.replace('disabled', 'enabled'));
    other.edit('cluster.yaml', (text) => text.replace('value: red', 'value: blue'));
    await other.start();
    expect(await other.answers('shop/web', 'http://paint/')).toEqual({ '200 blue': 1 });
    expect(await cluster.answers('shop/web', 'http://paint/')).toEqual({ '200 red': 1 });
    const remains = new Remains(await other.status(), other);
    expect(remains.now().length).toBeGreaterThan(5);
    expect(await other.down()).toMatchObject({ status: 0 });
    expect(remains.now()).toEqual([]);
    expect(await talker.say('held', 'undisturbed')).toBe('undisturbed');
    expect(await cluster.answers('shop/web', 'http://paint/')).toEqual({ '200 red': 1 });
  });
});
