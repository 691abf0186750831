import { describe, expect, it } from '@jest/globals';
import { SpiffeId } from '@tulle/identity';
import { FakeClock, RecordingLogger } from '@tulle/testkit';
import type { Workload } from '@tulle/ir';
import { MeshPipeline } from '../src/pipeline/mesh-pipeline.ts';
import { SigningLedger } from '../src/server/signing-ledger.ts';
import { authorizeFromMesh } from '../src/server/signing-policy.ts';
import { byName, snapshotOf, workload } from './mesh-fixture.ts';

function identity(name: string): SpiffeId {
  const id = SpiffeId.parse(`spiffe://cluster.local/ns/shop/sa/${name}`);
  if (!id.ok) throw id.error;
  return id.value;
}

function harness(first: readonly Workload[]) {
  const clock = new FakeClock();
  let workloads = first;
  const pipeline = new MeshPipeline({
    translate: () => snapshotOf({ workloads: byName(workloads) }),
    publish: () => {},
    initial: snapshotOf({}),
    clock,
    logger: new RecordingLogger(),
  });
  pipeline.start();
  return {
    clock,
    authorize: authorizeFromMesh(pipeline),
    set: (next: readonly Workload[]) => {
      workloads = next;
      pipeline.changed();
    },
  };
}
const node = (name: string) => ({ kind: 'node', node: name }) as const;

describe('who may have a certificate', () => {
  it("a node's agent, for the identities of the node's own pods", async () => {
    const { authorize } = harness([workload('a')]);
    expect(await authorize(node('n1'), identity('cart'))).toEqual({ ok: true, value: undefined });
  });

  it.each([
    ['of a pod of another node', node('n2'), 'cart'],
    ['of a service account that no pod has', node('n1'), 'admin'],
    ['of a pod that is not in the mesh', node('n1'), 'plain'],
  ])('not %s', async (_, caller, name) => {
    const { authorize, clock } = harness([
      workload('a'),
      workload('b', { identity: identity('plain').text, mesh: { state: 'out', reason: 'not labelled' } }),
    ]);
    const answer = authorize(caller, identity(name));
    clock.advance(2000);
    expect(await answer).toMatchObject({ ok: false, error: { code: 'not-allowed' } });
  });

  it('a change that is not translated yet counts', async () => {
    const { authorize, set } = harness([]);
    set([workload('a')]);
    expect(await authorize(node('n1'), identity('cart'))).toMatchObject({ ok: true });
  });

  it('a request that comes before its pod is known waits for it, but not for long', async () => {
    const { authorize, set, clock } = harness([]);
    const early = authorize(node('n1'), identity('cart'));
    clock.advance(1500);
    set([workload('a')]);
    clock.advance(5);
    expect(await early).toMatchObject({ ok: true });
    const late = authorize(node('n2'), identity('cart'));
    clock.advance(2000);
    set([workload('a', { node: 'n2' })]);
    expect(await late).toMatchObject({ ok: false });
  });

  it('a pod that has gone takes the permission with it', async () => {
    const { authorize, set, clock } = harness([workload('a')]);
    set([]);
    const answer = authorize(node('n1'), identity('cart'));
    clock.advance(2000);
    expect(await answer).toMatchObject({ ok: false });
  });

  it('a workload, for itself only', async () => {
    const { authorize } = harness([workload('a')]);
    const caller = { kind: 'workload', identity: identity('web') } as const;
    expect(await authorize(caller, identity('web'))).toMatchObject({ ok: true });
    expect(await authorize(caller, identity('cart'))).toMatchObject({ ok: false });
  });
});

describe('SigningLedger', () => {
  const hourMs = 3_600_000;
  const record = { peer: '10.0.0.1', caller: 'node/n1', identity: 'spiffe://d/ns/a/sa/b' };

  it('counts the last 24 hours', () => {
    const clock = new FakeClock();
    const ledger = new SigningLedger(clock);
    ledger.record({ ...record, decision: 'issued' });
    clock.advance(12 * hourMs);
    ledger.record({ ...record, decision: 'issued' });
    ledger.record({ ...record, decision: 'refused', code: 'not-allowed', reason: 'no such pod' });
    expect(ledger.summary()).toEqual({
      issued: 2,
      refused: 1,
      lastRefusal: 'node/n1 asked for spiffe://d/ns/a/sa/b: no such pod',
    });
    clock.advance(12 * hourMs);
    expect(ledger.summary()).toMatchObject({ issued: 1, refused: 1 });
    clock.advance(12 * hourMs);
    expect(ledger.summary()).toMatchObject({ issued: 0, refused: 0 });
  });

  it('starts anew after a pause of any length', () => {
    const clock = new FakeClock();
    const ledger = new SigningLedger(clock);
    for (let i = 0; i < 200; i++) {
      ledger.record({ ...record, decision: 'issued' });
      clock.advance(hourMs / 6);
    }
    expect(ledger.summary().issued).toBe(143);
    clock.advance(1000 * hourMs);
    expect(ledger.summary().issued).toBe(0);
  });
});
