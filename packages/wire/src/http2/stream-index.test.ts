import { describe, expect, it } from '@jest/globals';
import { StreamIndex } from './stream-index.ts';

interface Stream {
  readonly id: number;
}

const stream = (id: number): Stream => ({ id });

describe('StreamIndex', () => {
  it('finds what a Map finds, whatever comes and goes', () => {
    const index = new StreamIndex<Stream>();
    const model = new Map<number, Stream>();
    // Numbers of a linear congruential generator: the same each time.
    let random = 7;
    let next = 1;
    for (let step = 0; step < 20_000; step++) {
      random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0;
      const live = [...model.keys()];
      if ((random >>> 16) % 100 < (live.length < 40 ? 60 : 40)) {
        // A client may pass identifiers over.
        next += 2 + (((random >>> 8) % 4 === 0 ? (random >>> 20) % 64 : 0) << 1);
        const added = stream(next);
        index.add(added);
        model.set(next, added);
      } else {
        const id = live[(random >>> 8) % Math.max(1, live.length)] ?? 0;
        index.delete(id);
        model.delete(id);
      }
      expect(index.size).toBe(model.size);
      for (const id of [...live, next, 0]) expect(index.get(id)).toBe(model.get(id));
    }
    const byId = (a: Stream, b: Stream) => a.id - b.id;
    expect(index.values().sort(byId)).toEqual([...model.values()].sort(byId));
  });

  it('finds streams whose places collide after any of them has gone', () => {
    for (const gone of [0, 1, 2, 3]) {
      const index = new StreamIndex<Stream>();
      // All of one home, the last place of the table, so that they go on at its beginning.
      const streams = [31, 63, 95, 127].map((id) => stream(id));
      for (const each of streams) index.add(each);
      index.delete((streams[gone] as Stream).id);
      for (const [at, each] of streams.entries()) expect(index.get(each.id)).toBe(at === gone ? undefined : each);
    }
  });

  it('holds nothing that has gone', () => {
    const index = new StreamIndex<Stream>();
    for (let id = 1; id < 2_000; id += 2) index.add(stream(id));
    for (let id = 1; id < 2_000; id += 2) index.delete(id);
    expect(index.size).toBe(0);
    expect(index.values()).toEqual([]);
  });
});
