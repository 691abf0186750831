import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { KubernetesObject } from '@tulle/gateway-api';
import { parseAllDocuments } from 'yaml';
import { decoded, translated, withClusterIPs } from './testing/objects.ts';

/*
 * The manifests of the official conformance suite's mesh tests. Their whole translations are golden files; here is what
 * the suite's tests rely on.
 */
const directory = join(import.meta.dirname, '..', 'golden', 'conformance');
const namespace = 'gateway-conformance-mesh';

function read(file: string): KubernetesObject[] {
  return parseAllDocuments(readFileSync(join(directory, file), 'utf8'))
    .map((document): unknown => document.toJS())
    .filter((input) => input !== null)
    .map(decoded);
}

const base = withClusterIPs(read('services.yaml'));
const files = readdirSync(directory).filter((name) => name.endsWith('.in.yaml'));
const translationOf = (name: string) => translated([...base, ...read(`${name}.in.yaml`)]);

/** `type=status reason` of each condition, for each parent of each route. */
function verdicts(name: string): string[][] {
  return [...translationOf(name).routeStatuses.values()].map((parents) =>
    parents.flatMap(({ conditions }) => conditions.map(({ type, status, reason }) => `${type}=${status} ${reason}`)),
  );
}

/** Its backend of weight 0 does not exist; the references of the others are whole. */
const withMissingBackend = 'grpcroute-weight';

describe('manifests of the conformance suite', () => {
  it('are all there', () => {
    expect(files).toHaveLength(21);
  });

  it.each(files.map((file) => file.slice(0, -'.in.yaml'.length)))('%s is accepted', (name) => {
    const all = verdicts(name);
    expect(all.length).toBeGreaterThan(0);
    const refs = name === withMissingBackend ? 'ResolvedRefs=False BackendNotFound' : 'ResolvedRefs=True ResolvedRefs';
    for (const ofRoute of all) expect(ofRoute).toEqual(['Accepted=True Accepted', refs]);
  });

  it('attach only to the port that is named (mesh-ports)', () => {
    const { routes } = translationOf('mesh-ports').state;
    expect([...routes.keys()].filter((key) => key.startsWith(`${namespace}/echo-v1:`))).toEqual([
      `${namespace}/echo-v1:80`,
    ]);
    expect(routes.has(`${namespace}/echo-v2:8080`)).toBe(true);
  });

  it('act on the clients of their own namespace only (mesh-consumer-route)', () => {
    const routes = translationOf('mesh-consumer-route').state.routes.get(`${namespace}/echo-v1:80`);
    expect(routes?.producer).toBeUndefined();
    expect(Object.keys(routes?.consumers ?? {})).toEqual(['gateway-conformance-mesh-consumer']);
  });

  it('keep the weights as they are (grpcroute-weight)', () => {
    const table = translationOf('grpcroute-weight').state.routes.get(`${namespace}/echo:7070`)?.producer;
    const rule = table?.kind === 'grpc' ? table.table.rules[0] : undefined;
    expect(rule?.backends.map(({ weight, target }) => [target.type, weight])).toEqual([
      ['service', 70],
      ['service', 30],
      ['invalid', 0],
    ]);
  });
});
