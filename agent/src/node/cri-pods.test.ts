import { describe, expect, it } from '@jest/globals';
import { FakeClock, RecordingLogger } from '@tulle/testkit';
import { networkOf, type ContainerRuntime, type Sandbox, type SandboxNetwork } from './cri-client.ts';
import { CriPods } from './cri-pods.ts';

/** A runtime whose sandboxes a test sets. */
class FakeRuntime implements ContainerRuntime {
  readonly networks = new Map<string, SandboxNetwork>();
  readonly asked: string[] = [];
  list: readonly Sandbox[] = [];
  broken = false;
  closed = false;
  tell: () => void = () => {};
  endEvents: () => void = () => {};

  sandboxes(): Promise<readonly Sandbox[]> {
    return this.broken ? Promise.reject(new Error('the socket is gone')) : Promise.resolve(this.list);
  }

  network(id: string): Promise<SandboxNetwork> {
    this.asked.push(id);
    const network = this.networks.get(id);
    return network === undefined ? Promise.reject(new Error('not there yet')) : Promise.resolve(network);
  }

  events(onEvent: () => void, onEnd: () => void) {
    this.tell = onEvent;
    this.endEvents = onEnd;
    return { cancel: () => {} };
  }

  close(): void {
    this.closed = true;
  }

  add(id: string, uid: string, network: SandboxNetwork | undefined, createdAt = 0): void {
    this.list = [...this.list, { id, uid, namespace: 'shop', name: `pod-${uid}`, createdAt }];
    if (network !== undefined) this.networks.set(id, network);
  }
}

const own = (netns: string): SandboxNetwork => ({ kind: 'own', netns });
/** Lets everything that is under way come to its end. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

function setUp(prepare: (runtime: FakeRuntime) => void = () => {}) {
  const runtime = new FakeRuntime();
  prepare(runtime);
  const clock = new FakeClock();
  const log = new RecordingLogger();
  const seen: string[][] = [];
  const pods: CriPods = new CriPods({
    runtime,
    clock,
    log,
    onChange: () => seen.push([...pods.pods().values()].map(({ uid, netns }) => `${uid} ${netns}`)),
  });
  return { runtime, clock, log, pods, seen };
}

describe('CriPods', () => {
  it('gives pods with their namespaces, and none of those in the network of the node', async () => {
    const { pods, seen } = setUp((runtime) => {
      runtime.add('a', 'u1', own('/run/netns/a'));
      runtime.add('b', 'u2', { kind: 'node' });
    });
    await settled();
    expect(seen).toEqual([['u1 /run/netns/a']]);
    expect(pods.pods().get('u1')).toEqual({ uid: 'u1', namespace: 'shop', name: 'pod-u1', netns: '/run/netns/a' });
  });

  it('asks each sandbox once where it is, and is silent while nothing changes', async () => {
    const { runtime, clock, seen } = setUp((fake) => fake.add('a', 'u1', own('/run/netns/a')));
    await settled();
    clock.advance(10_000);
    await settled();
    expect(runtime.asked).toEqual(['a']);
    expect(seen).toHaveLength(1);
  });

  it('looks at once when the runtime tells of an event, and each second where it tells of none', async () => {
    const { runtime, clock, seen } = setUp();
    await settled();
    runtime.add('a', 'u1', own('/run/netns/a'));
    runtime.tell();
    clock.advance(20);
    await settled();
    expect(seen).toEqual([['u1 /run/netns/a']]);
    runtime.endEvents();
    runtime.list = [];
    clock.advance(999);
    await settled();
    expect(seen).toHaveLength(1);
    clock.advance(1);
    await settled();
    expect(seen.at(-1)).toEqual([]);
  });

  it('lets a pod go and come when its sandbox was made anew', async () => {
    const { runtime, clock, seen } = setUp((fake) => fake.add('a', 'u1', own('/run/netns/a'), 1));
    await settled();
    runtime.add('b', 'u1', own('/run/netns/b'), 2);
    runtime.tell();
    clock.advance(20);
    await settled();
    expect(seen).toEqual([['u1 /run/netns/a'], [], ['u1 /run/netns/b']]);
  });

  it('asks again for a sandbox that does not tell its namespace yet', async () => {
    const { runtime, clock, seen } = setUp((fake) => fake.add('a', 'u1', undefined));
    await settled();
    expect(seen).toEqual([]);
    runtime.networks.set('a', own('/run/netns/a'));
    clock.advance(20);
    await settled();
    expect(seen).toEqual([['u1 /run/netns/a']]);
  });

  it('keeps what it knows while the runtime does not answer, and says so once', async () => {
    const { runtime, clock, log, pods, seen } = setUp((fake) => fake.add('a', 'u1', own('/run/netns/a')));
    await settled();
    runtime.broken = true;
    for (let i = 0; i < 3; i++) {
      clock.advance(10_000);
      await settled();
    }
    expect([...pods.pods().keys()]).toEqual(['u1']);
    expect(seen).toHaveLength(1);
    expect(log.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });

  it('asks nothing more once it is closed', async () => {
    const { runtime, clock, pods } = setUp();
    await settled();
    pods.close();
    expect(runtime.closed).toBe(true);
    expect(clock.timers).toBe(0);
  });
});

describe('networkOf', () => {
  const info = (namespaces: unknown) => JSON.stringify({ runtimeSpec: { linux: { namespaces } } });

  it('reads the path that containerd and CRI-O give, by the name that is mounted into the agent', () => {
    expect(networkOf(info([{ type: 'pid' }, { type: 'network', path: '/var/run/netns/cni-1' }]))).toEqual(
      own('/run/netns/cni-1'),
    );
  });

  it('takes a sandbox without a network namespace of its own as one of the node', () => {
    expect(networkOf(info([{ type: 'ipc' }]))).toEqual({ kind: 'node' });
  });

  it.each(['', '{}', '{"runtimeSpec":{"linux":null}}', info([{ type: 'network' }]), info('x')])(
    'refuses what does not tell: %s',
    (text) => {
      expect(() => networkOf(text)).toThrow();
    },
  );
});
