import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { meshProfiles, type MeshResult, type Report, resultOf } from './report.ts';

/**
 * The newest reports of a mesh that others published, from the suite's own module: one for each project, the newest
 * version of the suite first.
 *
 * @param directory the folder `conformance/reports` of the Gateway API
 */
export function publishedResults(directory: string): MeshResult[] {
  const reports = globSync('v*/**/*.yaml', { cwd: directory })
    .map((file) => parse(readFileSync(join(directory, file), 'utf8')) as Report)
    .filter(({ profiles = [] }) => profiles.some(({ name }) => meshProfiles.some((each) => each === name)))
    .sort((a, b) => newness(b).localeCompare(newness(a)));
  const newest = new Map<string, MeshResult>();
  for (const report of reports) {
    const { project = '?', version = '?' } = report.implementation ?? {};
    if (!newest.has(project)) newest.set(project, resultOf(report, `${project} ${version}`));
  }
  return [...newest.values()];
}

/** The names of all extended features of a mesh that the API has, from its own source. */
export function upstreamMeshFeatures(directory: string): string[] {
  const source = readFileSync(join(directory, 'mesh.go'), 'utf8');
  const names = [...source.matchAll(/FeatureName = "(Mesh\w+)"/g)].map(([, name = '']) => name);
  if (names.length === 0) throw new Error(`${directory}/mesh.go names no features of a mesh`);
  return names.sort();
}

/** Sorts as text: the version of the suite with every number at the same length, then the date. */
function newness({ gatewayAPIVersion = '', date = '' }: Report): string {
  return `${gatewayAPIVersion.replaceAll(/\d+/g, (digits) => digits.padStart(4, '0'))} ${date}`;
}
