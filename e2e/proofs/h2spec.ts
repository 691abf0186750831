import { readFileSync } from 'node:fs';

/** What h2spec found. */
export interface Http2Verdict {
  readonly passed: number;
  /** Each failed case: its section in RFC 7540 or 7541, and what it tried, what it wanted and what it saw. */
  readonly failed: readonly string[];
  readonly skipped: number;
}

/** Reads h2spec's own report (`--junit-report`). */
export function readVerdict(file: string): Http2Verdict {
  const report = readFileSync(file, 'utf8');
  const failed: string[] = [];
  let passed = 0;
  let skipped = 0;
  const cases = /<testcase package="([^"]*)" classname="([^"]*)"[^>]*?(?:\/>|>([\s\S]*?)<\/testcase>)/g;
  for (const [, section = '', title = '', inside = ''] of report.matchAll(cases)) {
    if (inside.includes('<skipped')) skipped += 1;
    else if (/<(failure|error)/.test(inside)) {
      failed.push(`${section}: ${title}: ${inside.replaceAll(/<[^>]*>/g, ' ').trim()}`);
    } else passed += 1;
  }
  return { passed, failed, skipped };
}

/** The arguments of a run against `address`:`port`; strict cases are included. */
export function h2specArguments(
  to: { readonly address: string; readonly port: number; readonly tls?: boolean },
  report: string,
): string[] {
  const tls = to.tls === true ? ['--tls', '--insecure'] : [];
  return ['--strict', '--timeout', '2', '-h', to.address, '-p', `${to.port}`, '--junit-report', report, ...tls];
}
