/** Where progress lines go: one a step, with the seconds since the command began. */
export interface Progress {
  line(text: string): void;
  /** Runs a step and prints its line when it is done, with how long it took when that was worth a mention. */
  step<T>(what: string, work: () => Promise<T>): Promise<T>;
  seconds(): number;
}

/** Steps shorter than this many seconds are printed without their duration. */
const worthMentioningS = 1;

/** Progress on standard error, so that standard output stays what was asked for. */
export function consoleProgress(): Progress {
  const startMs = performance.now();
  const seconds = (): number => (performance.now() - startMs) / 1000;
  const line = (text: string): void => console.error(`${seconds().toFixed(1).padStart(7)}s  ${text}`);
  return {
    line,
    seconds,
    async step(what, work) {
      const beganS = seconds();
      const result = await work();
      const tookS = seconds() - beganS;
      line(tookS < worthMentioningS ? what : `${what} (${tookS.toFixed(1)} s)`);
      return result;
    },
  };
}
