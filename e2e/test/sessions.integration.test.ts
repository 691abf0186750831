import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { waitFor } from '../src/playground-client.ts';
import { findMeshProcess, killMeshProcess } from './support/mesh-processes.ts';
import { TestCluster } from './support/test-cluster.ts';

const cluster = new TestCluster('sessions');

beforeAll(async () => {
  await cluster.start();
});

afterAll(async () => {
  await cluster.down();
});

describe('a session that begins at the agent of one node', () => {
  /** The one answer that 20 requests on connections of their own get. */
  const onlyAnswer = async (pod: string, url: string, headers: Record<string, string>) => {
    const { answers } = await cluster.request(pod, { url, headers, count: 20, fresh: true });
    expect(Object.keys(answers)).toHaveLength(1);
    return Object.keys(answers)[0];
  };

  it('goes on at that of another, and after the controller was started again', async () => {
    const url = 'http://seats/';
    const begun = await cluster.request('shop/here', { url });
    const cookie = /seat=[^;]+/.exec(String(begun.last.headers?.['set-cookie']))?.[0] ?? 'none';
    const [own] = Object.keys(begun.answers);
    expect(await onlyAnswer('shop/here', url, { cookie })).toBe(own);
    expect(await onlyAnswer('shop/there', url, { cookie })).toBe(own);
    const strangers = await cluster.request('shop/there', { url, count: 60, fresh: true });
    expect(Object.keys(strangers.answers).length).toBeGreaterThan(1);

    const killed = await killMeshProcess(cluster, 'controller');
    await waitFor('the controller is started again', 10_000, () =>
      Promise.resolve([undefined, killed].includes(findMeshProcess(cluster, 'controller')) ? undefined : true),
    );
    await waitFor('both agents follow it', 20_000, async () => {
      const views = await Promise.all(
        ['n1', 'n2'].map((node) => cluster.askAgent<{ readonly connected: boolean }>(node, '/v1/config')),
      );
      return views.every(({ connected }) => connected) ? true : undefined;
    });
    expect(await onlyAnswer('shop/there', url, { cookie })).toBe(own);
  });

  it('is kept by a header of an HTTP/1.1 client with servers of HTTP/2, too', async () => {
    const url = 'http://seats:90/';
    const begun = await cluster.request('shop/there', { url });
    const seat = begun.last.headers?.['x-seat'] ?? 'none';
    const [own] = Object.keys(begun.answers);
    expect(own).toMatch(/^200 /);
    expect(await onlyAnswer('shop/here', url, { 'x-seat': seat })).toBe(own);
  });

  it('has a key that nobody is shown', async () => {
    const { settings } = await cluster.askAgent<{ readonly settings: { readonly sessionKey: string } }>(
      'n1',
      '/v1/dump',
    );
    expect(settings.sessionKey).toBe('[redacted]');
  });
});
