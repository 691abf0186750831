import type { MeshSettings } from '@tulle/ir';
import { IncrementalTranslator, type TranslatorOptions } from '@tulle/translate';
import type { ObjectStore } from '../objects/object-store.ts';
import type { MeshSnapshot } from './mesh-snapshot.ts';

/**
 * Translates the objects of one store: the first time all of them, from then on what depends on those that changed. Parts
 * of a snapshot that stay as they were are the same objects in the next.
 */
export class StoreTranslator {
  readonly #options: TranslatorOptions;
  #translator: IncrementalTranslator | undefined;

  constructor(options: TranslatorOptions = {}) {
    this.#options = options;
  }

  /** `nowMs`: when conditions that change are said to have changed. After a failure the next time takes all objects. */
  translate(store: ObjectStore, settings: MeshSettings, nowMs: number): MeshSnapshot {
    const changes = store.takeChanges();
    const known = this.#translator;
    // What is half applied cannot be trusted, so nothing is kept until it has gone well.
    this.#translator = undefined;
    const now = new Date(nowMs).toISOString();
    const translator = known ?? new IncrementalTranslator(settings, this.#options);
    if (known === undefined) translator.apply(everything(store), now);
    else translator.apply(changes, now);
    const { translation } = translator;
    this.#translator = translator;
    return translation;
  }
}

function* everything(store: ObjectStore) {
  for (const object of store.all()) yield { type: 'set', object } as const;
}
