/** Something in the objects that does not do what was asked, worded for the person who wrote it. */
export interface TranslationProblem {
  /** `error`: what was asked for does not happen. `warning`: it happens, but look at it. */
  readonly severity: 'error' | 'warning';
  /** A stable code, for programs. */
  readonly code: string;
  readonly message: string;
  readonly object: { readonly kind: string; readonly namespace?: string; readonly name: string };
  /** What to do next. */
  readonly hint?: string;
}

/** Takes problems as they are found. */
export type ReportProblem = (problem: TranslationProblem) => void;

/** What a problem calls an object. */
export function objectOf(object: {
  readonly kind: string;
  readonly metadata: { readonly namespace?: string; readonly name: string };
}): TranslationProblem['object'] {
  const { namespace, name } = object.metadata;
  return namespace === undefined ? { kind: object.kind, name } : { kind: object.kind, namespace, name };
}

/** The beginning of the alternatives of a word that was not found: ` (did you mean "cart"?)`, or nothing. */
export function didYouMean(suggestion: string | undefined): string {
  return suggestion === undefined ? '' : ` (did you mean "${suggestion}"?)`;
}
