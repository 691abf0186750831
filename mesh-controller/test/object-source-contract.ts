import { describe, expect, it } from '@jest/globals';
import type { KubernetesObject, ObjectReference } from '@tulle/gateway-api';
import type { ObjectChange, ObjectSink, ObjectSource, SourceProblem } from '../src/index.ts';
import { objectsOf } from './objects.ts';

/** A source under test, and the hands that change what it reads. */
export interface SourceHarness extends AsyncDisposable {
  readonly source: ObjectSource;
  /** Makes the objects be there, as they are now. */
  put(objects: readonly KubernetesObject[]): Promise<void>;
  /** Makes an object go away. */
  remove(reference: ObjectReference): Promise<void>;
}

/** A sink that keeps everything, and lets a test wait for what it wants to see. */
export class CollectingSink implements ObjectSink {
  readonly changes: ObjectChange[] = [];
  problems: readonly SourceProblem[] = [];
  readonly #waiting = new Set<() => void>();

  apply(changes: readonly ObjectChange[]): void {
    this.changes.push(...changes);
    for (const check of this.#waiting) check();
  }

  setProblems(problems: readonly SourceProblem[]): void {
    this.problems = problems;
    for (const check of this.#waiting) check();
  }

  /** The changes to one object, oldest first. */
  of(kind: string, name: string): ObjectChange[] {
    return this.changes.filter((change) => {
      const { kind: itsKind, name: itsName } =
        change.type === 'set' ? { kind: change.object.kind, name: change.object.metadata.name } : change.reference;
      return itsKind === kind && itsName === name;
    });
  }

  /** Resolves as soon as `condition` holds. */
  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = () => {
        if (!condition()) return;
        this.#waiting.delete(check);
        resolve();
      };
      this.#waiting.add(check);
      check();
    });
  }
}

const service = (name: string, port: number) =>
  objectsOf(`
apiVersion: v1
kind: Service
metadata: { namespace: shop, name: ${name} }
spec: { clusterIP: 10.96.0.1, ports: [{ port: ${port} }] }
`);
const reference = (name: string) => ({ group: '', kind: 'Service', namespace: 'shop', name });

/** What every source of objects must do. */
export function describeObjectSource(name: string, makeHarness: () => Promise<SourceHarness>): void {
  describe(`${name}, as a source of objects`, () => {
    it('has given everything that is there when start resolves, each object once', async () => {
      await using harness = await makeHarness();
      await harness.put([...service('a', 80), ...service('b', 80)]);
      const sink = new CollectingSink();
      await harness.source.start(sink);
      expect([sink.of('Service', 'a'), sink.of('Service', 'b')]).toMatchObject([[{ type: 'set' }], [{ type: 'set' }]]);
      expect(sink.problems).toEqual([]);
    });

    it('starts with nothing, too', async () => {
      await using harness = await makeHarness();
      const sink = new CollectingSink();
      await harness.source.start(sink);
      expect(sink.changes).toEqual([]);
    });

    it('gives what comes, what changes and what goes', async () => {
      await using harness = await makeHarness();
      const sink = new CollectingSink();
      await harness.source.start(sink);
      await harness.put(service('a', 80));
      await sink.until(() => sink.of('Service', 'a').length === 1);
      await harness.put(service('a', 81));
      await sink.until(() => sink.of('Service', 'a').length === 2);
      await harness.remove(reference('a'));
      await sink.until(() => sink.of('Service', 'a').length === 3);
      expect(sink.of('Service', 'a')).toMatchObject([
        { type: 'set', object: { spec: { ports: [{ port: 80 }] } } },
        { type: 'set', object: { spec: { ports: [{ port: 81 }] } } },
        { type: 'delete', reference: reference('a') },
      ]);
    });

    it('gives nothing of an object that stays as it is', async () => {
      await using harness = await makeHarness();
      await harness.put([...service('same', 80), ...service('other', 80)]);
      const sink = new CollectingSink();
      await harness.source.start(sink);
      await harness.put([...service('same', 80), ...service('other', 81)]);
      await sink.until(() => sink.of('Service', 'other').length === 2);
      expect(sink.of('Service', 'same')).toHaveLength(1);
    });

    it('gives nothing once it is closed', async () => {
      await using harness = await makeHarness();
      const sink = new CollectingSink();
      await harness.source.start(sink);
      await harness.source.close();
      await harness.put(service('a', 80));
      await harness.source.close();
      expect(sink.changes).toEqual([]);
    });
  });
}
