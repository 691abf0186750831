/** The version of everything that commands print with `-o json` and that the admin endpoints answer. */
export const cliApiVersion = 'cli.tulle.dev/v1';

/** The version of a document; a document of another version must not be read as this one. */
export type CliApiVersion = 'cli.tulle.dev/v1';

/** Which object something is about. `namespace` is absent for objects of the whole cluster. */
export interface ObjectRef {
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
}

/** Something that is wrong or needs attention, in words for a person. */
export interface ProblemView {
  /** `error`: something that was asked for does not happen. `warning`: it happens, but look at it. */
  readonly severity: 'error' | 'warning';
  /** A stable code, for programs. */
  readonly code: string;
  readonly message: string;
  /** The object it is about, when there is one. */
  readonly object?: ObjectRef;
  /** Where the object was read from (directory mode): the file below the objects directory, and the line in it. */
  readonly file?: string;
  readonly line?: number;
  /** What to do next. */
  readonly hint?: string;
}

/** The body of every answer of an admin endpoint that is not a success. */
export interface ErrorView {
  readonly error: {
    /** A stable code, for programs. */
    readonly code: string;
    readonly message: string;
    /** What to do next. */
    readonly hint?: string;
  };
}
