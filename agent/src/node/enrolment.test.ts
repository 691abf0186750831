import { describe, expect, it } from '@jest/globals';
import type { Workload } from '@tulle/ir';
import type { Capture } from '@tulle/linux';
import { FakeClock, RecordingLogger } from '@tulle/testkit';
import { Enrolment } from './enrolment.ts';

const pod = { uid: 'u1', namespace: 'shop', name: 'web', netns: '/run/netns/web' };

const workload = (state: 'in' | 'out'): Workload => ({
  uid: 'u1',
  namespace: 'shop',
  name: 'web',
  node: 'n1',
  addresses: ['10.244.1.2'],
  workloadName: 'web',
  serviceAccount: 'web',
  identity: 'spiffe://cluster.local/ns/shop/sa/web',
  mesh: state === 'in' ? { state } : { state, reason: 'not labelled' },
  mtlsMode: 'permissive',
  opaquePorts: [],
  zone: '',
});

/** What an enrolment does to its pod: each step is written down, and waits where the test says so. */
class Steps {
  readonly done: string[] = [];
  readonly #holds = new Map<string, { readonly began: () => void; readonly go: Promise<void> }>();
  /** A step that fails. */
  fails: string | undefined;
  #stopReleasing: (() => void) | undefined;
  readonly clock = new FakeClock();
  /** A step that fails. */
  failing: string | undefined;
  /** What the workers do when they are told to end connections. */
  onHurry: () => void = () => {};
  readonly enrolment: Enrolment;

  constructor() {
    const step = (name: string) => () => this.#step(name);
    const capture: Capture = {
      mode: 'iptables',
      prepare: step('prepare'),
      install: step('install'),
      release: step('release'),
      remove: step('remove'),
      clean: () => Promise.resolve(),
    };
    this.enrolment = new Enrolment(
      capture,
      {
        hasCertificate: () => true,
        openPod: step('open'),
        releasePod: async () => {
          const stopped = new Promise<void>((resolve) => (this.#stopReleasing = resolve));
          await Promise.race([this.#step('drain'), stopped]);
          this.#stopReleasing = undefined;
        },
        stopReleasing: () => this.#stopReleasing?.(),
        hurryRelease: () => {
          this.done.push('hurry');
          this.onHurry();
        },
        closePod: () => {},
        changed: () => {},
      },
      { log: new RecordingLogger(), clock: this.clock, drainMs: 300_000 },
    );
  }

  wish(state: 'in' | 'out'): void {
    this.enrolment.reconcile(new Map([[pod.uid, pod]]), new Map([['shop/web', workload(state)]]));
  }

  /** Makes the next `step` wait until the function that this gives is called; `began`: it has begun. */
  hold(step: string): { readonly began: Promise<void>; readonly release: () => void } {
    const began = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    this.#holds.set(step, { began: began.resolve, go: go.promise });
    return { began: began.promise, release: go.resolve };
  }

  get captured(): boolean {
    return this.enrolment.report()[0]?.captured === 'iptables';
  }

  async #step(name: string): Promise<void> {
    const held = this.#holds.get(name);
    if (held !== undefined) {
      this.#holds.delete(name);
      held.began();
      await held.go;
    }
    if (this.fails === name) throw new Error(`${name} fails`);
    this.done.push(name);
    if (name === this.failing) throw new Error(`${name} does not work`);
  }
}

/** Lets everything happen that waits for nothing but its turn. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('Enrolment', () => {
  it('brings a pod in, and out again when its connections have drained', async () => {
    const steps = new Steps();
    steps.wish('in');
    await settled();
    expect(steps.captured).toBe(true);
    steps.wish('out');
    await settled();
    expect(steps.captured).toBe(false);
    expect(steps.done).toEqual(['prepare', 'open', 'install', 'release', 'drain', 'remove']);
  });

  it.each(['prepare', 'open', 'install'])(
    'takes a pod out that is no longer wanted while it comes in (%s)',
    async (step) => {
      const steps = new Steps();
      const held = steps.hold(step);
      steps.wish('in');
      await held.began;
      steps.wish('out');
      held.release();
      await settled();
      expect(steps.captured).toBe(false);
      expect(steps.done.at(-1)).toBe('remove');
    },
  );

  it.each(['release', 'remove'])('brings a pod back that is wanted again while it goes out (%s)', async (step) => {
    const steps = new Steps();
    steps.wish('in');
    await settled();
    const held = steps.hold(step);
    steps.wish('out');
    await held.began;
    steps.wish('in');
    held.release();
    await settled();
    expect(steps.captured).toBe(true);
    expect(steps.done.slice(-3)).toEqual(['prepare', 'open', 'install']);
  });

  it('brings a pod back whose connections still drain, without waiting for them', async () => {
    const steps = new Steps();
    steps.wish('in');
    await settled();
    const draining = steps.hold('drain');
    steps.wish('out');
    await draining.began;
    steps.wish('in');
    await settled();
    expect(steps.captured).toBe(true);
    expect(steps.done).not.toContain('remove');
  });

  it('does not begin to wait for the connections of a pod that is wanted again already', async () => {
    const steps = new Steps();
    steps.wish('in');
    await settled();
    const releasing = steps.hold('release');
    steps.wish('out');
    await releasing.began;
    steps.hold('drain');
    steps.wish('in');
    releasing.release();
    await settled();
    expect(steps.captured).toBe(true);
  });

  it('lets connections go on for a while when the agent ends, ends them, and takes the rules away after that', async () => {
    const steps = new Steps();
    steps.wish('in');
    await settled();
    const draining = steps.hold('drain');
    steps.onHurry = draining.release;
    steps.wish('out');
    await draining.began;
    const finished = steps.enrolment.finishLeaving(40_000);
    steps.clock.advance(39_999);
    await settled();
    expect(steps.done.at(-1)).toBe('release');
    steps.clock.advance(1);
    await finished;
    expect(steps.done.slice(-3)).toEqual(['hurry', 'drain', 'remove']);
  });

  it('takes the rules away in the end though the workers say nothing', async () => {
    const steps = new Steps();
    steps.wish('in');
    await settled();
    const draining = steps.hold('drain');
    steps.wish('out');
    await draining.began;
    const finished = steps.enrolment.finishLeaving(40_000);
    steps.clock.advance(60_000);
    await finished;
    expect(steps.done.slice(-2)).toEqual(['hurry', 'remove']);
  });

  it('says that a pod is captured as long as its new connections are', async () => {
    const steps = new Steps();
    steps.wish('in');
    await settled();
    const releasing = steps.hold('release');
    const draining = steps.hold('drain');
    steps.wish('out');
    await releasing.began;
    expect([steps.captured, steps.enrolment.capturedAddresses()]).toEqual([true, ['10.244.1.2']]);
    releasing.release();
    await draining.began;
    expect([steps.captured, steps.enrolment.capturedAddresses()]).toEqual([false, []]);
    expect(steps.enrolment.report()[0]?.reason).toBe('leaving');
  });

  it('says so, too, while the redirect cannot be taken away', async () => {
    const steps = new Steps();
    steps.wish('in');
    await settled();
    steps.fails = 'release';
    steps.wish('out');
    await settled();
    expect(steps.captured).toBe(true);
    steps.fails = undefined;
    steps.clock.advance(10_000);
    await settled();
    expect(steps.captured).toBe(false);
    expect(steps.done.at(-1)).toBe('remove');
  });

  it('takes what was prepared out of a pod that could not come in and is no longer wanted', async () => {
    const steps = new Steps();
    steps.failing = 'open';
    steps.wish('in');
    await settled();
    steps.wish('out');
    await settled();
    expect(steps.done).toEqual(['prepare', 'open', 'release', 'drain', 'remove']);
    steps.clock.advance(60_000);
    await settled();
    expect(steps.done.at(-1)).toBe('remove');
  });

  it('tries once at a time, however often it looks at a pod meanwhile', async () => {
    const steps = new Steps();
    steps.failing = 'open';
    for (let look = 0; look < 5; look++) {
      steps.wish('in');
      await settled();
    }
    const before = steps.done.length;
    steps.failing = undefined;
    steps.clock.advance(60_000);
    await settled();
    expect(steps.done.slice(before)).toEqual(['prepare', 'open', 'install']);
  });

  it('leaves captured pods alone when the agent ends', async () => {
    const steps = new Steps();
    steps.wish('in');
    await settled();
    await steps.enrolment.finishLeaving(40_000);
    expect(steps.captured).toBe(true);
    expect(steps.done).toEqual(['prepare', 'open', 'install']);
  });
});
