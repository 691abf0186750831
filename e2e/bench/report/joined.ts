import { readFileSync } from 'node:fs';
import { CodedError } from '@tulle/core';
import { judge } from '../bounds.ts';
import type { JudgedBound } from '../bounds.ts';
import type { BenchReport } from '../model.ts';

/** Reports of runs of different cases as one, for machines that cannot be had for the time of a whole run. */
export interface JoinedReport {
  readonly report: BenchReport;
  readonly judged: readonly JudgedBound[];
}

/**
 * Joins reports that `--json` wrote. A case belongs to one of them: figures of different runs are not compared. Throws a
 * CodedError `NotJoinable` where a case is in two.
 */
export function joinReports(files: readonly string[]): JoinedReport {
  return joined(files.map((file) => JSON.parse(readFileSync(file, 'utf8')) as BenchReport));
}

/** {@link joinReports} of what was read. */
export function joined(reports: readonly BenchReport[]): JoinedReport {
  const [first] = reports;
  if (first === undefined) throw new CodedError('NotJoinable', 'there is no report');
  const seen = new Set<string>();
  for (const { rows } of reports) {
    const cases = new Set(rows.map((row) => row.case));
    for (const id of cases) {
      if (seen.has(id)) throw new CodedError('NotJoinable', `two reports have the case ${id}`);
      seen.add(id);
    }
  }
  const rows = reports.flatMap((report) => report.rows);
  // What was judged from rows is judged again; idle pods have figures that are not in rows.
  const fromRows = reports.flatMap((report) => judge(report.rows));
  const known = new Set(fromRows.map((bound) => bound.bound + bound.case));
  const others = reports.flatMap(({ bounds, machine }) =>
    bounds
      .filter((bound) => !known.has(bound.bound + bound.case))
      .map((bound): JudgedBound => {
        const { value } = bound;
        const estimate = { median: value, low: value, high: value, count: machine.rounds, certain: true };
        return { ...bound, estimate };
      }),
  );
  const judged = [...fromRows, ...others];
  const measured = reports.filter((report) => report.features === undefined);
  const foreignCpuShare = Math.max(0, ...measured.map(({ machine }) => machine.foreignCpuShare));
  const bounds = judged.map(({ case: id, bound, value, holds }) => ({ case: id, bound, value, holds }));
  const machine = { ...(measured[0] ?? first).machine, foreignCpuShare };
  const withFeatures = reports.filter((report) => report.features !== undefined);
  if (withFeatures.length > 1) throw new CodedError('NotJoinable', 'two reports have the costs of features');
  const features = withFeatures[0]?.features;
  return { report: { machine, rows, bounds, ...(features === undefined ? {} : { features }) }, judged };
}
