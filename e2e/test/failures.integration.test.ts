import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { AgentConfigView, StatusView } from '@tulle/admin-api';
import { waitFor } from '../src/playground-client.ts';
import { findMeshProcess, killMeshProcess, killProcess } from './support/mesh-processes.ts';
import { Talker } from './support/talker.ts';
import { TestCluster } from './support/test-cluster.ts';

const cluster = new TestCluster('failures');
const podNames = ['blue', 'echo', 'paint', 'web'];
const echo = { host: 'echo', port: 7000 };
const url = 'http://paint/the-secret-path';
const workersPerAgent = 2;

beforeAll(async () => {
  await cluster.start('--workers', `${workersPerAgent}`);
});

afterAll(async () => {
  await cluster.down();
});

interface Worker {
  readonly pid: number;
  readonly counters: Readonly<Record<string, number>>;
}

async function workersOf(node: string): Promise<readonly Worker[]> {
  return (await cluster.askAgent<{ workers: Worker[] }>(node, '/v1/workers')).workers;
}

/** Waits until one request of a new client is answered as wanted; gives the time that it took. */
async function untilAnswered(answer: string): Promise<number> {
  const { tookMs } = await waitFor(`a request is answered ${answer}`, 15_000, async () =>
    (await cluster.answers('shop/web', url))[answer] === 1 ? true : undefined,
  );
  return tookMs;
}

describe('a controller that is killed', () => {
  it('disturbs no traffic and no agent; it comes back, agents have what it publishes, and edits act again', async () => {
    await using talker = new Talker(cluster, 'shop/web');
    await talker.open('busy', echo);
    await talker.chatter('busy');
    const flow = await cluster.flow('shop/web', { url, concurrency: 2 });
    const fresh = await cluster.flow('shop/web', { url, concurrency: 1, fresh: true });
    const agents = [findMeshProcess(cluster, 'agent n1'), findMeshProcess(cluster, 'agent n2')];

    const killed = await killMeshProcess(cluster, 'controller');
    // The edit comes while there is no controller, or a new one has not read anything yet.
    cluster.edit('route.yaml', (text) => text.replace('name: paint, port: 80 }] }]', 'name: blue, port: 80 }] }]'));
    await untilAnswered('200 blue');

    expect(findMeshProcess(cluster, 'controller')).not.toBe(killed);
    expect([findMeshProcess(cluster, 'agent n1'), findMeshProcess(cluster, 'agent n2')]).toEqual(agents);
    const { controller } = (await cluster.document('status')) as StatusView;
    await waitFor('both agents have the newest configuration', 10_000, async () => {
      const views = await Promise.all(
        ['n1', 'n2'].map((node) => cluster.askAgent<AgentConfigView>(node, '/v1/config')),
      );
      const upToDate = (view: AgentConfigView) => view.connected && view.version === controller.configVersion;
      return views.every(upToDate) ? true : undefined;
    });
    for (const { answers } of [await flow.stop(), await fresh.stop()]) {
      expect(Object.keys(answers).sort()).toEqual(['200 blue', '200 red']);
    }
    expect((await talker.state())['busy']).toEqual({ ended: null, answered: expect.any(Number) });
    cluster.edit('route.yaml', (text) => text.replace('name: blue', 'name: paint'));
    await untilAnswered('200 red');
  });
});

describe('an agent that is killed', () => {
  it.each(['n1', 'n2'] as const)('(%s) lets nothing through in clear, and has its pods back soon', async (node) => {
    await using recorder = await cluster.recordLink(node);
    const flow = await cluster.flow('shop/web', { url, concurrency: 2, fresh: true });
    const part = `agent ${node}` as const;
    const killed = await killMeshProcess(cluster, part);
    await waitFor('the agent is started again', 5_000, async () =>
      [undefined, killed].includes(findMeshProcess(cluster, part)) ? undefined : true,
    );
    expect(await cluster.untilCaptured('shop', podNames)).toBeLessThan(2_000);
    await untilAnswered('200 red');
    const { answers } = await flow.stop();
    const { packets, found } = await recorder.stop(['the-secret-path', 'x-version']);
    expect(found).toEqual([]);
    expect(packets).toBeGreaterThan(20);
    // While the agent was away, requests failed; none was answered by anything but the server.
    for (const answer of Object.keys(answers))
      expect(answer).toMatch(/^(200 red|503 connect-(failed|timeout)|502 upstream-reset|error E.*)$/);
    expect(answers['200 red']).toBeGreaterThan(0);
  });

  it.each(['n1', 'n2'])('(%s) regression: its workers ended with the stack trace of a broken pipe', async (node) => {
    const { stdout } = await cluster.tulle(['playground', 'logs', '--name', cluster.name, `agent/${node}`]);
    expect(stdout).toContain('the agent is running');
    expect(stdout).not.toMatch(/EPIPE|Unhandled/);
  });

  it('comes back with the certificates and the configuration that it needs', async () => {
    const document = (await cluster.document('status')) as StatusView;
    expect(document.problems).toEqual([]);
    expect((await cluster.status()).ready).toBe(true);
  });
});

describe('one worker that is killed', () => {
  it('takes its own connections with it, and no other; new ones are carried as before', async () => {
    const names = Array.from({ length: 24 }, (_, index) => `connection ${index}`);
    await using talker = new Talker(cluster, 'shop/web');
    for (const name of names) {
      await talker.open(name, echo);
      await talker.say(name, 'hello');
    }
    const agent = findMeshProcess(cluster, 'agent n1');
    const [victim, ...others] = await workersOf('n1');
    if (victim === undefined) throw new Error('the agent has no worker');

    await killProcess(victim.pid);
    await waitFor('the worker is replaced', 10_000, async () => {
      const workers = await workersOf('n1');
      return workers.length === workersPerAgent && workers.every(({ pid }) => pid !== victim.pid) ? true : undefined;
    });
    const states = Object.entries(await talker.state());
    const ended = states.filter(([, state]) => state.ended !== null);
    expect(ended.length).toBeGreaterThan(0);
    expect(ended.length).toBeLessThan(names.length);
    for (const [name, state] of states)
      if (state.ended === null) expect(await talker.say(name, 'still here')).toBe('still here');
    expect((await workersOf('n1')).map(({ pid }) => pid)).toEqual(expect.arrayContaining(others.map(({ pid }) => pid)));
    expect(findMeshProcess(cluster, 'agent n1')).toBe(agent);

    const { answers } = await cluster.request('shop/web', { url, count: 40, fresh: true, concurrency: 2 });
    expect(answers).toEqual({ '200 red': 40 });
  });
});
