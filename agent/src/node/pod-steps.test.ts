import { describe, expect, it } from '@jest/globals';
import { FakeClock } from '@tulle/testkit';
import type { PodSpec, ToWorker } from '../ipc.ts';
import { PodSteps } from './pod-steps.ts';

const pod = { uid: 'u1', namespace: 'shop', name: 'cart' } as PodSpec;

function steps(...alive: number[]) {
  const said: ToWorker[] = [];
  const clock = new FakeClock();
  const made = new PodSteps({ alive, broadcast: (message) => void said.push(message) }, clock);
  return { made, said, clock };
}

/** Whether a promise has been resolved by now. */
async function isDone(promise: Promise<void>): Promise<boolean> {
  let done = false;
  void promise.then(() => (done = true));
  await new Promise((resolve) => setImmediate(resolve));
  return done;
}

describe('a step with a pod', () => {
  it('is done when every worker has said so', async () => {
    const { made, said } = steps(0, 1);
    const opened = made.open(pod);
    expect(said).toEqual([{ type: 'open-pod', pod }]);
    made.heard(0, { type: 'pod-opened', uid: 'u1' });
    made.heard(0, { type: 'pod-opened', uid: 'u1' });
    made.heard(1, { type: 'pod-opened', uid: 'another' });
    expect(await isDone(opened)).toBe(false);
    made.heard(1, { type: 'pod-opened', uid: 'u1' });
    await opened;
  });

  it('fails without workers, when one cannot or ends, and after 5 s', async () => {
    await expect(steps().made.open(pod)).rejects.toThrow('no worker is running');
    const { made, clock } = steps(0, 1);
    const failing = made.open(pod);
    made.heard(1, { type: 'pod-failed', uid: 'u1', message: 'EADDRINUSE' });
    await expect(failing).rejects.toThrow('EADDRINUSE');
    const lonely = made.open(pod);
    made.lost(0);
    await expect(lonely).rejects.toThrow('a worker ended meanwhile');
    const late = made.open(pod);
    clock.advance(5_000);
    await expect(late).rejects.toThrow('did not open its ports');
  });

  it('leaves no timer behind, and none of an earlier try ends a later one', async () => {
    const { made, clock } = steps(0);
    const first = made.open(pod);
    made.heard(0, { type: 'pod-opened', uid: 'u1' });
    await first;
    const second = made.open(pod);
    clock.advance(4_999);
    expect(await isDone(second)).toBe(false);
    made.heard(0, { type: 'pod-opened', uid: 'u1' });
    await second;
  });

  it('of letting go needs no word of a worker that ended, and stops when the pod is wanted again', async () => {
    const { made, said } = steps(0, 1);
    const released = made.release('u1', 300);
    expect(said).toEqual([{ type: 'release-pod', uid: 'u1', drainMs: 300 }]);
    made.heard(0, { type: 'pod-drained', uid: 'u1' });
    made.lost(1);
    await released;
    const again = made.release('u1', 300);
    const opened = made.open(pod);
    await again;
    for (const worker of [0, 1]) made.heard(worker, { type: 'pod-opened', uid: 'u1' });
    await opened;
  });

  it('ends when the pod is gone: workers say nothing of it any more', async () => {
    const { made, said } = steps(0, 1);
    const released = made.release('u1', 300);
    made.close('u1');
    await released;
    expect(said.at(-1)).toEqual({ type: 'close-pod', uid: 'u1' });
    const opened = made.open(pod);
    made.close('u1');
    await expect(opened).rejects.toThrow('the pod is gone');
  });
});
