import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { waitFor } from '../src/playground-client.ts';
import { TestCluster } from './support/test-cluster.ts';

const cluster = new TestCluster('rollout');

beforeAll(async () => {
  await cluster.start();
});

afterAll(async () => {
  await cluster.down();
});

describe('a Deployment whose pods are replaced while requests flow', () => {
  it.each([
    ['http://front/', 'red', 'blue'],
    ['http://paint/', 'blue', 'green'],
  ])('fails no request to %s', async (url, before, after) => {
    const kept = await cluster.flow('shop/web', { url, concurrency: 2 });
    const fresh = await cluster.flow('shop/web', { url, concurrency: 1, fresh: true });
    cluster.edit('cluster.yaml', (text) => text.replace(`value: ${before}`, `value: ${after}`));
    const wanted = { [`200 ${after}`]: 20 };
    await waitFor(`only ${after} answers`, 20_000, async () => {
      const { answers } = await cluster.request('shop/web', { url, count: 20, fresh: true });
      return JSON.stringify(answers) === JSON.stringify(wanted) ? true : undefined;
    });
    await waitFor('the old pods are gone', 10_000, async () =>
      (await cluster.status()).pods.length === 3 ? true : undefined,
    );
    for (const { answers } of [await kept.stop(), await fresh.stop()]) {
      expect(Object.keys(answers).sort()).toEqual([`200 ${after}`, `200 ${before}`].sort());
    }
  });
});
