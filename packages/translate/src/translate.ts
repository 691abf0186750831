import type { KubernetesObject } from '@tulle/gateway-api';
import { IncrementalTranslator } from './incremental/incremental-translator.ts';
import type { TranslationChange } from './incremental/incremental-translator.ts';
import { compareText } from './input.ts';
import type { TranslationInput } from './input.ts';
import type { Translation } from './translation.ts';

/**
 * Translates objects to what the data plane needs to know. Pure: the same objects give the same result, in whatever order
 * they come. Never throws on decoded objects; what is wrong in them is in the statuses and the problems.
 */
export function translate({ objects, settings, now }: TranslationInput): Translation {
  const changes = [...objects]
    .map((object) => ({ key: orderKey(object), change: { type: 'set', object } satisfies TranslationChange }))
    .sort((a, b) => compareText(a.key, b.key))
    .map(({ change }) => change);
  const translator = new IncrementalTranslator(settings);
  translator.apply(changes, now);
  return translator.translation;
}

function orderKey({ kind, metadata }: KubernetesObject): string {
  return `${kind}/${metadata.namespace ?? ''}/${metadata.name}`;
}
