/** What a conformance report says of one half of a profile. */
interface ReportPart {
  readonly statistics?: { readonly Passed: number; readonly Failed: number; readonly Skipped: number };
  readonly failedTests?: readonly string[];
  readonly supportedFeatures?: readonly string[];
  readonly unsupportedFeatures?: readonly string[];
}

/** A conformance report of the Gateway API, as far as it is read here. */
export interface Report {
  readonly date?: string;
  readonly gatewayAPIVersion?: string;
  readonly implementation?: { readonly project?: string; readonly version?: string };
  readonly profiles?: readonly { readonly name: string; readonly core?: ReportPart; readonly extended?: ReportPart }[];
}

/** The profiles of a mesh. */
export const meshProfiles = ['MESH-HTTP', 'MESH-GRPC'] as const;

type Profile = (typeof meshProfiles)[number];

/** What one mesh has shown. */
export interface MeshResult {
  readonly mesh: string;
  readonly apiVersion: string;
  /** Tests passed and tests run, of the core and of the extended features, by profile; no entry: not claimed. */
  readonly tests: Readonly<Partial<Record<Profile, { readonly core: Counts; readonly extended: Counts }>>>;
  /** Extended features that it claims, and whose tests it passed. */
  readonly features: ReadonlySet<string>;
  readonly failedTests: readonly string[];
}

interface Counts {
  readonly passed: number;
  readonly run: number;
}

/** What a report says, for the comparison. */
export function resultOf(report: Report, mesh: string): MeshResult {
  const tests: Partial<Record<Profile, { core: Counts; extended: Counts }>> = {};
  const features = new Set<string>();
  const failedTests: string[] = [];
  for (const { name, core, extended } of report.profiles ?? []) {
    const profile = meshProfiles.find((each) => each === name);
    if (profile === undefined) continue;
    tests[profile] = { core: countsOf(core), extended: countsOf(extended) };
    for (const feature of extended?.supportedFeatures ?? []) features.add(feature);
    failedTests.push(...(core?.failedTests ?? []), ...(extended?.failedTests ?? []));
  }
  return { mesh, apiVersion: report.gatewayAPIVersion ?? '?', tests, features, failedTests };
}

function countsOf(part: ReportPart | undefined): Counts {
  const { Passed: passed = 0, Failed: failed = 0 } = part?.statistics ?? {};
  return { passed, run: passed + failed };
}

/** Tests passed and failed in all. */
export function totalOf({ tests }: MeshResult): { passed: number; failed: number } {
  const all = Object.values(tests).flatMap(({ core, extended }) => [core, extended]);
  const passed = all.reduce((sum, counts) => sum + counts.passed, 0);
  return { passed, failed: all.reduce((sum, counts) => sum + counts.run, 0) - passed };
}

/** The table that compares meshes: tests first, then who has which extended feature of a mesh. */
export function comparison(results: readonly MeshResult[], upstream: readonly string[]): string {
  const counts = ({ passed, run }: Counts): string => (run === 0 ? '-' : `${passed} of ${run}`);
  const tests = results.map(({ mesh, apiVersion, tests: { 'MESH-HTTP': http, 'MESH-GRPC': grpc }, features }) => [
    mesh,
    apiVersion,
    ...(http === undefined ? ['-', '-'] : [counts(http.core), counts(http.extended)]),
    grpc === undefined ? 'not claimed' : counts(grpc.core),
    `${upstream.filter((each) => features.has(each)).length} of ${upstream.length}`,
  ]);
  const rows = upstream.map((feature) => [
    feature,
    ...results.map(({ features }) => (features.has(feature) ? 'yes' : '-')),
  ]);
  return [
    table([['', 'SUITE', 'HTTP CORE', 'HTTP EXTENDED', 'GRPC CORE', 'EXTENDED FEATURES'], ...tests]),
    '',
    table([['EXTENDED FEATURE OF A MESH', ...results.map(({ mesh }) => mesh.toUpperCase())], ...rows]),
  ].join('\n');
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd((widths[column] ?? 0) + 2))
        .join('')
        .trimEnd(),
    )
    .join('\n');
}
