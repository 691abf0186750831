const unitMs: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };

/** The milliseconds of a Gateway API duration (GEP-2257): up to four numbers with units, `1h30m`; undefined if it is none. */
export function parseDurationMs(text: string): number | undefined {
  if (!/^([0-9]{1,5}(h|m|s|ms)){1,4}$/.test(text)) return undefined;
  let sum = 0;
  for (const [, digits, unit] of text.matchAll(/([0-9]{1,5})(ms|h|m|s)/g)) {
    sum += Number(digits) * (unitMs[unit ?? ''] ?? 0);
  }
  return sum;
}
