/** A length of time for a person, in its largest whole unit: `31 ms`, `2 s`, `45 min`, `9 h`, `12 d`, `9 y`. */
export function formatDuration(durationMs: number): string {
  if (durationMs < 0) return `-${formatDuration(-durationMs)}`;
  if (durationMs < 999.5) return `${Math.round(durationMs)} ms`;
  const units = [
    [1000, 's', 100],
    [60_000, 'min', 100],
    [3_600_000, 'h', 48],
    [86_400_000, 'd', 730],
  ] as const;
  for (const [unitMs, name, most] of units) {
    const amount = durationMs / unitMs;
    if (amount < most)
      return `${amount < 10 && name === 's' ? trimZero(amount.toFixed(1)) : Math.round(amount)} ${name}`;
  }
  return `${Math.floor(durationMs / (365.25 * 86_400_000))} y`;
}

/** A share of 0 to 1 as a percentage with at most one digit behind the point: `90 %`, `33.3 %`. */
export function formatShare(share: number): string {
  return `${trimZero((share * 100).toFixed(1))} %`;
}

/** A count with its noun: `1 pod`, `2 pods`. */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function trimZero(text: string): string {
  return text.endsWith('.0') ? text.slice(0, -2) : text;
}
