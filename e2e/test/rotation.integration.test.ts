import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { CertificateAuthorityView, CertificatesView } from '@tulle/admin-api';
import type { RequestFlow } from './support/test-cluster.ts';
import { TestCluster } from './support/test-cluster.ts';

const cluster = new TestCluster('rotation', 'identity');
const url = 'http://permissive/';

/** A pod whose first request makes a new tunnel: what is trusted when it does is what counts. */
const newPod = (name: string) => `apiVersion: v1
kind: Pod
metadata: { name: ${name}, namespace: shop }
spec:
  nodeName: n1
  serviceAccountName: ${name}
  containers: [{ name: main, command: [node, idle.mjs] }]
`;

beforeAll(async () => {
  await cluster.start();
  await cluster.untilCaptured('shop', ['permissive', 'strict', 'web']);
});

afterAll(() => cluster.down());

async function authority(): Promise<CertificateAuthorityView> {
  return (await cluster.document('ca', 'status')) as CertificateAuthorityView;
}

async function rotate(...options: readonly string[]): Promise<CertificateAuthorityView> {
  return (await cluster.document('ca', 'rotate', ...options)) as CertificateAuthorityView;
}

describe('the root of the authority is replaced while requests flow between the nodes', () => {
  let flows: readonly RequestFlow[];
  let oldRoot: string | undefined;
  const pods: string[] = [];

  /** A pod that is new to the server gets its answer. */
  const greet = async (name: string) => {
    pods.push(name);
    cluster.write(`${name}.yaml`, newPod(name));
    await cluster.untilCaptured('shop', ['permissive', 'strict', 'web', ...pods]);
    expect(await cluster.answers(`shop/${name}`, url)).toEqual({ '200 red': 1 });
  };

  beforeAll(async () => {
    const { roots } = await authority();
    oldRoot = roots[0]?.fingerprintSha256;
    flows = [
      await cluster.flow('shop/web', { url, concurrency: 4 }),
      await cluster.flow('shop/web', { url, concurrency: 1, fresh: true }),
    ];
  });

  it('stops where it is told to: both roots are trusted, the old one signs', async () => {
    const { rotation, roots } = await rotate('--until', 'prepared');
    expect(rotation.phase).toBe('prepared');
    expect(roots).toHaveLength(2);
    expect(roots.map(({ fingerprintSha256, signing }) => [fingerprintSha256 === oldRoot, signing])).toEqual([
      [true, true],
      [false, false],
    ]);
    await greet('during-prepared');
  });

  it('goes on from there: the new root signs, the old one is still trusted', async () => {
    const { rotation, roots } = await rotate('--until', 'switched');
    expect(rotation.phase).toBe('switched');
    expect(roots.map(({ fingerprintSha256, signing }) => [fingerprintSha256 === oldRoot, signing])).toEqual([
      [false, true],
      [true, false],
    ]);
    await greet('during-switched');
  });

  it('ends when every certificate is of the new root: the old one is gone', async () => {
    const before = (await cluster.document('certificates')) as CertificatesView;
    const { rotation, roots } = await rotate();
    expect(rotation.phase).toBe('idle');
    expect(roots.map(({ fingerprintSha256 }) => fingerprintSha256 === oldRoot)).toEqual([false]);
    const after = (await cluster.document('certificates')) as CertificatesView;
    const serials = new Set(before.certificates.map(({ serialNumber }) => serialNumber));
    expect(after.certificates.length).toBeGreaterThanOrEqual(4);
    expect(after.certificates.filter(({ state }) => state !== 'valid')).toEqual([]);
    expect(serials.size).toBeGreaterThan(0);
    await greet('after');
    const exported = await cluster.tulle(['ca', 'export-bundle', '--playground', cluster.name]);
    expect(exported.stdout.match(/BEGIN CERTIFICATE/g)).toHaveLength(1);
  });

  it('lost no request', async () => {
    const results = await Promise.all(flows.map((flow) => flow.stop()));
    for (const { requests, answers } of results) expect(answers).toEqual({ '200 red': requests });
    const requests = results.reduce((sum, result) => sum + result.requests, 0);
    process.stdout.write(`root rotation: ${requests} requests, none failed\n`);
    expect(requests).toBeGreaterThan(1_000);
  });

  it('can be given up before the switch', async () => {
    await rotate('--until', 'prepared');
    const { rotation, roots } = await rotate('--abort');
    expect({ phase: rotation.phase, roots: roots.length }).toEqual({ phase: 'idle', roots: 1 });
    expect(await cluster.answers('shop/web', url)).toEqual({ '200 red': 1 });
  });
});
