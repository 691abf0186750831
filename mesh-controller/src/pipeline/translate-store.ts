import type { MeshSettings } from '@tulle/ir';
import { translate } from '@tulle/translate';
import type { ObjectStore } from '../objects/object-store.ts';
import type { MeshSnapshot } from './mesh-snapshot.ts';

/** Translates the objects of a store as they are now. `nowMs`: when conditions that change are said to have changed. */
export function translateStore(store: ObjectStore, settings: MeshSettings, nowMs: number): MeshSnapshot {
  return translate({ objects: store.all(), settings, now: new Date(nowMs).toISOString() });
}
