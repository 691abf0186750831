import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { deploymentPodName, planDeployment } from './deployments.ts';
import type { DeploymentPod } from './deployments.ts';

const pod = (name: string, hash: string, ready = true): DeploymentPod => ({ name, hash, ready, createdAt: name });

describe('planDeployment', () => {
  it('makes all pods at once in the beginning', () => {
    expect(planDeployment(3, 'new', [])).toEqual({ create: 3, remove: [] });
  });

  it('replaces pods one after the other, a new one ready before an old one goes', () => {
    const old = ['a', 'b', 'c'].map((name) => pod(name, 'old'));
    expect(planDeployment(3, 'new', old)).toEqual({ create: 1, remove: [] });
    expect(planDeployment(3, 'new', [...old, pod('d', 'new', false)])).toEqual({ create: 0, remove: [] });
    expect(planDeployment(3, 'new', [...old, pod('d', 'new')])).toEqual({ create: 1, remove: ['c'] });
  });

  it('lets old pods go at once that do not work', () => {
    expect(planDeployment(2, 'new', [pod('a', 'old', false), pod('b', 'old')])).toEqual({ create: 2, remove: ['a'] });
  });

  it('removes those too many that work least, then the youngest', () => {
    const pods = [pod('a', 'new'), pod('b', 'new'), pod('c', 'new'), pod('d', 'new', false)];
    expect(planDeployment(2, 'new', pods)).toEqual({ create: 0, remove: ['d', 'c'] });
    expect(planDeployment(0, 'new', pods).remove).toHaveLength(4);
  });

  it('comes to an end, with never fewer ready pods than it had or was asked for', () => {
    const oldPods = fc.array(fc.boolean(), { maxLength: 8 });
    fc.assert(
      fc.property(oldPods, fc.integer({ min: 0, max: 8 }), (ready, replicas) => {
        let pods = ready.map((isReady, index) => pod(`old-${index}`, 'old', isReady));
        let made = 0;
        for (let round = 0; round < 100; round++) {
          const readyBefore = pods.filter((each) => each.ready).length;
          const { create, remove } = planDeployment(replicas, 'new', pods);
          if (create === 0 && remove.length === 0 && pods.every((each) => each.ready)) break;
          pods = pods.filter((each) => !remove.includes(each.name));
          expect(pods.filter((each) => each.ready).length).toBeGreaterThanOrEqual(Math.min(readyBefore, replicas));
          for (let i = 0; i < create; i++) pods.push(pod(`new-${made++}`, 'new', false));
          expect(pods.length).toBeLessThanOrEqual(
            Math.max(ready.length, replicas + Math.max(1, Math.ceil(replicas / 4))),
          );
          // One more pod becomes ready.
          const next = pods.findIndex((each) => !each.ready && each.hash === 'new');
          const found = pods[next];
          if (found !== undefined) pods[next] = { ...found, ready: true };
        }
        expect(pods.map((each) => each.hash)).toEqual(Array.from({ length: replicas }, () => 'new'));
      }),
    );
  });
});

describe('deploymentPodName', () => {
  it('is the name, the hash and five letters, and never longer than a host name may be', () => {
    expect(deploymentPodName('cart', '0123456789', () => 0)).toBe('cart-0123456789-bbbbb');
    expect(deploymentPodName('x'.repeat(253), '0123456789', () => 26)).toHaveLength(63);
  });
});
