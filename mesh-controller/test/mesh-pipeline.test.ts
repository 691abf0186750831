import { describe, expect, it } from '@jest/globals';
import { FakeClock, RecordingLogger } from '@tulle/testkit';
import type { MeshState } from '@tulle/ir';
import { MeshPipeline } from '../src/pipeline/mesh-pipeline.ts';
import { emptySnapshot, type MeshSnapshot } from '../src/pipeline/mesh-snapshot.ts';

const settings = { trustDomain: 'cluster.local', mtlsMode: 'permissive' } as const;

function harness() {
  const clock = new FakeClock();
  const logger = new RecordingLogger();
  const published: MeshState[] = [];
  let failure: Error | undefined;
  const pipeline = new MeshPipeline({
    translate: (): MeshSnapshot => {
      if (failure !== undefined) throw failure;
      return emptySnapshot(settings);
    },
    publish: (state) => published.push(state),
    initial: emptySnapshot(settings),
    clock,
    logger,
  });
  return { clock, logger, published, pipeline, fail: (error: Error | undefined) => void (failure = error) };
}

describe('MeshPipeline', () => {
  it('publishes nothing before it is started, and the whole at the start', () => {
    const { clock, published, pipeline } = harness();
    pipeline.changed();
    clock.advance(1000);
    expect(published).toEqual([]);
    pipeline.start();
    expect(published).toHaveLength(1);
  });

  it('publishes a burst of changes once, 5 ms after its first', () => {
    const { clock, published, pipeline } = harness();
    pipeline.start();
    pipeline.changed();
    for (let i = 0; i < 4; i++) {
      clock.advance(1);
      pipeline.changed();
    }
    expect(published).toHaveLength(1);
    clock.advance(1);
    expect(published).toHaveLength(2);
    clock.advance(1000);
    expect(published).toHaveLength(2);
  });

  it('is not put off by a steady stream of changes', () => {
    const { clock, published, pipeline } = harness();
    pipeline.start();
    for (let i = 0; i < 100; i++) {
      pipeline.changed();
      clock.advance(1);
    }
    expect(published).toHaveLength(21);
  });

  it('keeps the last snapshot when a translation fails, and says so until one succeeds', () => {
    const { clock, published, pipeline, logger, fail } = harness();
    pipeline.start();
    const { snapshot } = pipeline;
    fail(new Error('boom'));
    pipeline.changed();
    clock.advance(5);
    expect(pipeline.snapshot).toBe(snapshot);
    expect(published).toHaveLength(1);
    expect(pipeline.problems).toMatchObject([
      { severity: 'error', code: 'TranslationFailed', message: expect.stringContaining('boom') },
    ]);
    expect(logger.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
    fail(undefined);
    pipeline.changed();
    clock.advance(5);
    expect(pipeline.problems).toEqual([]);
    expect(pipeline.snapshot).not.toBe(snapshot);
  });

  it('flush publishes a change at once, and only if there is one', () => {
    const { clock, published, pipeline } = harness();
    pipeline.start();
    pipeline.flush();
    expect(published).toHaveLength(1);
    pipeline.changed();
    pipeline.flush();
    expect(published).toHaveLength(2);
    clock.advance(1000);
    expect(published).toHaveLength(2);
  });

  it('until: resolves with the snapshot that makes the condition hold, or false when none does in time', async () => {
    const { clock, pipeline } = harness();
    pipeline.start();
    let holds = false;
    const first = pipeline.until(() => holds, 100);
    const second = pipeline.until(() => false, 100);
    pipeline.changed();
    clock.advance(5);
    holds = true;
    pipeline.changed();
    clock.advance(5);
    expect(await first).toBe(true);
    clock.advance(100);
    expect(await second).toBe(false);
    expect(clock.timers).toBe(0);
  });

  it('publishes nothing once disposed', () => {
    const { clock, published, pipeline } = harness();
    pipeline.start();
    pipeline.changed();
    pipeline[Symbol.dispose]();
    clock.advance(1000);
    pipeline.changed();
    clock.advance(1000);
    expect(published).toHaveLength(1);
  });
});
