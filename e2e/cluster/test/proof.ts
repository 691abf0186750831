import { errorMessage } from '@tulle/core';

/** Claims that are shown one after the other, a line each, and counted. */
export class Proof {
  #passed = 0;
  #failed = 0;

  /** Shows a claim: `work` gives what was measured, or throws. Gives whether it holds. */
  async check(claim: string, work: () => Promise<string> | string): Promise<boolean> {
    const startMs = performance.now();
    try {
      const detail = await work();
      this.#passed += 1;
      const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
      console.log(`ok    ${claim}${detail === '' ? '' : `: ${detail}`}  (${seconds} s)`);
      return true;
    } catch (error) {
      this.#failed += 1;
      console.log(`FAIL  ${claim}: ${errorMessage(error)}`);
      return false;
    }
  }

  /** The last line, and the exit status of the process. */
  finish(): void {
    console.log(`${this.#passed} passed, ${this.#failed} failed`);
    process.exitCode = this.#failed === 0 && this.#passed > 0 ? 0 : 1;
  }
}
