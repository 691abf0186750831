import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { decodeObject, formatObjectError } from '@tulle/gateway-api';
import type { Condition, KubernetesObject } from '@tulle/gateway-api';
import { canonicalYaml, plainState } from '@tulle/ir/canonical';
import { validate } from '@tulle/ir';
import type { MeshService } from '@tulle/ir';
import { parseAllDocuments } from 'yaml';
import { withClusterIPs } from './testing/objects.ts';
import { translate } from './translate.ts';
import type { Translation } from './translation.ts';

/*
 * Each `NAME.in.yaml` is translated and compared with `NAME.out.yaml`. `golden/cluster` holds whole inputs and shows the
 * whole state. To those of `golden/routes` the Services in `services.yaml` there are added, and only routes, statuses
 * and problems are shown; so too for `golden/policies`, with the services, and for `golden/conformance`, whose inputs
 * are those of the official suite's mesh tests.
 * `UPDATE_GOLDEN=1` writes the outputs anew and removes those without an input.
 *
 * An input that begins with `# not decoded` is taken as it is: what an API server with older CRDs might let through.
 */
const update = process.env['UPDATE_GOLDEN'] === '1';
const golden = join(import.meta.dirname, '..', 'golden');
const parts = ['routes', 'cluster', 'policies', 'conformance'] as const;
type Part = (typeof parts)[number];
const settings = { trustDomain: 'cluster.local', mtlsMode: 'permissive' } as const;

function readObjects(file: string): KubernetesObject[] {
  const text = readFileSync(file, 'utf8');
  const isDecoded = !text.startsWith('# not decoded');
  return parseAllDocuments(text).flatMap((document) => {
    if (document.errors.length > 0) throw new Error(`${file}: ${document.errors[0]?.message}`);
    const input: unknown = document.toJS();
    if (input === null) return [];
    if (!isDecoded) return [input as KubernetesObject];
    const decoded = decodeObject(input);
    if (!decoded.ok) throw new Error(`${file}: ${decoded.error.map(formatObjectError).join('; ')}`);
    return [decoded.value];
  });
}

/** What an output shows: times are left out, they are the same everywhere. */
function shown({ state, routeStatuses, policyStatuses, meshStatuses, problems }: Translation, part: Part): string {
  const ofRoutes = [...routeStatuses].map(([key, parents]) => [
    key,
    parents.map(({ parentRef, conditions }) => ({ parentRef, conditions: shownConditions(conditions) })),
  ]);
  const ofPolicyObjects = [...policyStatuses].map(([key, ancestors]) => [
    key,
    ancestors.map(({ ancestorRef, conditions }) => ({ ancestorRef, conditions: shownConditions(conditions) })),
  ]);
  const ofMeshes = [...meshStatuses].map(([key, { conditions, supportedFeatures }]) => [
    key,
    { conditions: shownConditions(conditions), supportedFeatures },
  ]);
  const { routes, ...others } = plainState(state);
  return canonicalYaml({
    ...(part === 'cluster' ? others : {}),
    ...(part === 'policies' ? { services: ofPolicies(state.services) } : {}),
    routes,
    statuses: Object.fromEntries([...ofRoutes, ...ofPolicyObjects, ...ofMeshes]) as unknown,
    problems,
  });
}

/** The services that policies say something about. */
function ofPolicies(services: ReadonlyMap<string, MeshService>): Record<string, MeshService> {
  const isTouched = ({ ports, retryBudget, sessionPersistence }: MeshService) =>
    retryBudget !== undefined || sessionPersistence !== undefined || ports.some(({ tls }) => tls !== undefined);
  return Object.fromEntries([...services].filter(([, service]) => isTouched(service)));
}

function shownConditions(conditions: readonly Condition[]) {
  return conditions.map(({ type, status, reason, message, observedGeneration }) => ({
    type,
    status,
    reason,
    message,
    ...(observedGeneration === undefined ? {} : { observedGeneration }),
  }));
}

function translateFiles(files: readonly string[], part: Part): Translation {
  const objects = files.flatMap(readObjects);
  return translate({
    objects: part === 'conformance' ? withClusterIPs(objects) : objects,
    settings,
    now: '2026-01-01T00:00:00Z',
  });
}

for (const part of parts) {
  describe(`golden/${part}`, () => {
    const directory = join(golden, part);
    const names = readdirSync(directory).sort();
    const inputs = names.filter((name) => name.endsWith('.in.yaml')).map((name) => name.slice(0, -'.in.yaml'.length));
    const shared = part !== 'cluster' ? [join(directory, 'services.yaml')] : [];

    for (const name of inputs) {
      it(name, () => {
        const input = join(directory, `${name}.in.yaml`);
        const output = join(directory, `${name}.out.yaml`);
        const translation = translateFiles([...shared, input], part);
        expect(validate(translation.state)).toEqual([]);
        const actual = shown(translation, part);
        if (update) writeFileSync(output, actual);
        expect(existsSync(output)).toBe(true);
        expect(actual).toBe(readFileSync(output, 'utf8'));
      });
    }

    it('has no output without an input', () => {
      const orphans = names.filter(
        (name) => name.endsWith('.out.yaml') && !inputs.includes(name.slice(0, -'.out.yaml'.length)),
      );
      if (update) for (const orphan of orphans) rmSync(join(directory, orphan));
      expect(update ? [] : orphans).toEqual([]);
    });
  });
}
