/** What is wrong at one place of a value: `path` begins with `$`, the value itself. */
export interface ShapeProblem {
  readonly path: string;
  readonly message: string;
}

/** At most this many problems of one value are listed. */
const maxProblems = 100;

/** One look at a value from outside: where it is now, and what it has found. */
export class Inspection {
  readonly problems: ShapeProblem[] = [];
  readonly #path: (string | number)[] = [];

  /** Whether so much was found that looking on helps nobody. */
  get isFull(): boolean {
    return this.problems.length >= maxProblems;
  }

  /** Notes that what is here is not as it should be. */
  report(message: string): void {
    if (this.isFull) return;
    const path = this.#path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`)).join('');
    this.problems.push({ path: `$${path}`, message });
  }

  /** Looks at a member or an entry. */
  enter(part: string | number, check: Check, value: unknown): void {
    this.#path.push(part);
    check(value, this);
    this.#path.pop();
  }
}

/** Checks a value from outside: everything that is wrong goes to the inspection, with its place. */
export type Check = (value: unknown, inspection: Inspection) => void;

/** Everything that is wrong with a value. */
export function inspect(check: Check, value: unknown): readonly ShapeProblem[] {
  const inspection = new Inspection();
  check(value, inspection);
  return inspection.problems;
}
