import { appendFileSync } from 'node:fs';

/** Says a figure of a proof: `npm run proofs` prints it behind the results, a run by hand at once. */
export function note(line: string): void {
  const file = process.env['TULLE_PROOF_NOTES'];
  if (file === undefined) process.stdout.write(`${line}\n`);
  else appendFileSync(file, `${line}\n`);
}
