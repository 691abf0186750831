import { compareText } from '../input.ts';
import type { ReportProblem, TranslationProblem } from '../problem.ts';

/** The parts that problems come from, in the order in which people read them. */
const partsInOrder = ['mesh', 'namespace', 'pod', 'service', 'policy', 'route'] as const;

/** The problems of each object, so that those of one can be replaced. */
export class ProblemBook {
  readonly #problems = new Map<string, readonly TranslationProblem[]>();
  #all: readonly TranslationProblem[] | undefined;

  /** Replaces what is known of an object. */
  replace(part: (typeof partsInOrder)[number], key: string, problems: readonly TranslationProblem[]): void {
    const at = `${partsInOrder.indexOf(part)} ${key}`;
    if (problems.length > 0) this.#problems.set(at, problems);
    else if (!this.#problems.delete(at)) return;
    this.#all = undefined;
  }

  /** Runs `make` and replaces what is known of an object by what it reports. */
  collect<T>(part: (typeof partsInOrder)[number], key: string, make: (report: ReportProblem) => T): T {
    const problems: TranslationProblem[] = [];
    const made = make((problem) => void problems.push(problem));
    this.replace(part, key, problems);
    return made;
  }

  /** Every problem, by part and name. */
  all(): readonly TranslationProblem[] {
    this.#all ??= [...this.#problems].sort(([a], [b]) => compareText(a, b)).flatMap(([, problems]) => problems);
    return this.#all;
  }
}
