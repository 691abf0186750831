/** Where the controller that a command talks to listens, and how people know it. */
export interface ControllerAddress {
  readonly socketPath: string;
  /** For messages: `the playground "default"`. */
  readonly mesh: string;
  /** The command that shows what is wrong when the controller does not answer. */
  readonly hint: string;
  /** What kept a connection from being made, if anything is known of it. */
  readonly explain?: () => unknown;
  /** Ends what was begun to reach it. */
  readonly close?: () => Promise<void>;
}
