/** Where a command writes: whole lines with their ends. */
export interface CommandOutput {
  /** To standard output. */
  print(text: string): void;
  /** To standard error. */
  printError(text: string): void;
}
