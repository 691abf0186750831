import { describe, expect, it } from '@jest/globals';
import { decodeObject } from '@tulle/gateway-api';
import type { KubernetesObject } from '@tulle/gateway-api';
import { validate } from '@tulle/ir';
import { readManifestFile } from '@tulle/manifests';
import fc from 'fast-check';
import { IncrementalTranslator } from './incremental/incremental-translator.ts';
import { goldenObjects, goldenTexts } from '../test/golden-inputs.ts';
import { graftsOf, mutated, mutation } from './testing/mutations.ts';
import { translated } from './testing/objects.ts';

/*
 * Whatever people write gives an error or a translation: never an exception, nothing that agents would refuse, and
 * nothing that takes long. Time is that of the processor, so that other programs on the machine do not count.
 */
const settings = { trustDomain: 'cluster.local', mtlsMode: 'permissive' } as const;
const now = '2026-01-01T00:00:00Z';
const inputs = goldenObjects();
const grafts = graftsOf(inputs);
const world = inputs.flatMap((input) => {
  const result = decodeObject(input);
  return result.ok ? [result.value] : [];
});

function cpuMs(run: () => void): number {
  const start = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}

/** Translates objects among all others; everything that agents would be sent must be sound. */
function translateInWorld(translator: IncrementalTranslator, objects: readonly KubernetesObject[]): void {
  translator.apply(
    objects.map((object) => ({ type: 'set', object })),
    now,
  );
  expect(validate(translator.translation.state)).toEqual([]);
}

describe('mutated objects', () => {
  it('of every kind are there', () => {
    const kinds = new Set(world.map(({ kind }) => kind));
    for (const kind of ['HTTPRoute', 'GRPCRoute', 'TCPRoute', 'TLSRoute', 'UDPRoute', 'ReferenceGrant'] as const)
      expect(kinds).toContain(kind);
    for (const kind of ['BackendTLSPolicy', 'XBackendTrafficPolicy', 'XMesh', 'AuthorizationPolicy'] as const)
      expect(kinds).toContain(kind);
    for (const kind of ['Service', 'EndpointSlice', 'Pod', 'Namespace', 'Node', 'ServiceImport'] as const)
      expect(kinds).toContain(kind);
  });

  it('give an error or a sound translation', () => {
    const translator = new IncrementalTranslator(settings);
    translateInWorld(translator, world);
    let decoded = 0;
    fc.assert(
      fc.property(
        fc.constantFrom(...inputs),
        fc.array(mutation, { minLength: 1, maxLength: 4 }),
        (input, mutations) => {
          const object = mutated(input, mutations, grafts);
          let translated = 0;
          const ms = cpuMs(() => {
            const result = decodeObject(object);
            if (!result.ok) {
              expect(result.error.length).toBeGreaterThan(0);
              expect(result.error.map(({ code }) => code)).not.toContain('internal');
              return;
            }
            translated += 1;
            translateInWorld(translator, [result.value]);
          });
          decoded += translated;
          expect(ms).toBeLessThan(3_000);
        },
      ),
      { numRuns: 2_000 },
    );
    // Both ends of the sentence are met.
    expect(decoded).toBeGreaterThan(200);
    expect('polluted' in {}).toBe(false);
  }, 180_000);
});

describe('files with changed bytes', () => {
  it('give problems or a sound translation', () => {
    const texts = [...goldenTexts().values()].filter((text) => text.length < 20_000);
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 6 }),
      fc
        .constantFrom(
          '\n- ',
          ': ',
          '{',
          '[',
          '&a ',
          '*a',
          '<<: *a',
          '!!binary ',
          '--- ',
          '\t',
          "'",
          '"',
          '|',
          '? ',
          '\xff',
        )
        .map((text) => Buffer.from(text, 'latin1')),
    );
    const edit = fc.record({ at: fc.nat(), removed: fc.nat(12), piece });
    fc.assert(
      fc.property(fc.constantFrom(...texts), fc.array(edit, { minLength: 1, maxLength: 6 }), (text, edits) => {
        let bytes = Buffer.from(text);
        for (const { at, removed, piece: added } of edits) {
          const place = at % (bytes.length + 1);
          bytes = Buffer.concat([bytes.subarray(0, place), added, bytes.subarray(place + removed)]);
        }
        const ms = cpuMs(() => {
          const { objects } = readManifestFile('a.yaml', bytes.toString('utf8'));
          expect(validate(translated(objects.map(({ object }) => object)).state)).toEqual([]);
        });
        expect(ms).toBeLessThan(3_000);
      }),
      { numRuns: 800 },
    );
  }, 180_000);

  it('with anchors that multiply are refused at once', () => {
    const levels = Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i}, `.repeat(9)}*a${i}]`);
    const bomb = ['a0: &a0 x', ...levels].map((line) => `  ${line}`).join('\n');
    const text = `apiVersion: v1\nkind: Service\nmetadata: { name: a }\nspec:\n${bomb}\n`;
    let count = -1;
    const ms = cpuMs(() => {
      count = readManifestFile('a.yaml', text).objects.length;
    });
    expect(count).toBe(0);
    expect(ms).toBeLessThan(2_000);
  });
});
