import type { ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import { backoffDelayMs } from '@tulle/core';
import type { BackoffPolicy, Clock, Timer } from '@tulle/core';
import { identify } from '../processes.ts';
import type { ProcessIdentity } from '../state.ts';

/** How a process ended: its exit status, or the signal's number plus 128 as in a shell. */
export interface Exit {
  readonly code: number;
  /** In words: `exit status 1`, `signal SIGKILL`, or why it could not be started. */
  readonly words: string;
}

/** What a {@link RestartingProcess} is doing. */
export type ProcessState =
  /** Not started yet. */
  | { readonly kind: 'idle' }
  | { readonly kind: 'running'; readonly process: ProcessIdentity; readonly sinceMs: number }
  /** It ended and will be started again. */
  | { readonly kind: 'waiting'; readonly last: Exit }
  /** It ended and stays so. */
  | { readonly kind: 'ended'; readonly last: Exit };

/** What a {@link RestartingProcess} is made of. */
export interface RestartingProcessOptions {
  readonly start: () => ChildProcess;
  /** Whether to start it again after this. */
  readonly restart: (exit: Exit) => boolean;
  /** Delays between tries; the first restart is at once when `restartAtOnce` says so. */
  readonly backoff: BackoffPolicy;
  readonly restartAtOnce: boolean;
  /** Who lives this long starts with the first delay again. */
  readonly resetAfterMs: number;
  readonly clock: Clock;
  /** Called after each change of {@link RestartingProcess.state}. */
  readonly onChange: () => void;
}

/** A child process that is started again when it ends, later and later while it keeps ending soon. */
export class RestartingProcess implements Disposable {
  readonly #options: RestartingProcessOptions;
  #state: ProcessState = { kind: 'idle' };
  #child: ChildProcess | undefined;
  #timer: Timer | undefined;
  #attempt = 0;
  #restarts = 0;
  #stopped = false;

  constructor(options: RestartingProcessOptions) {
    this.#options = options;
  }

  get state(): ProcessState {
    return this.#state;
  }

  /** How often it was started again. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Starts it; once. */
  start(): void {
    if (this.#state.kind === 'idle' && !this.#stopped) this.#spawn();
  }

  /** Sends a signal to it, if it runs. */
  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name);
  }

  /** It is not started again from now on; what runs goes on. */
  release(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#state.kind === 'waiting') this.#become({ kind: 'ended', last: this.#state.last });
  }

  /** Not started again, and killed if it runs. */
  [Symbol.dispose](): void {
    this.release();
    this.signal('SIGKILL');
  }

  #spawn(): void {
    const { clock } = this.#options;
    const sinceMs = clock.monotonicMs();
    let over = false;
    const end = (exit: Exit) => {
      if (over) return;
      over = true;
      this.#child = undefined;
      this.#ended(exit, clock.monotonicMs() - sinceMs);
    };
    let child: ChildProcess;
    try {
      child = this.#options.start();
    } catch (error) {
      end({ code: -1, words: error instanceof Error ? error.message : String(error) });
      return;
    }
    this.#child = child;
    child.on('error', (error) => {
      // A signal that could not be sent comes here, too: only a process that never was has no number.
      if (child.pid === undefined) end({ code: -1, words: error.message });
    });
    child.on('exit', (code, signal) => {
      if (signal === null) end({ code: code ?? -1, words: `exit status ${code}` });
      else end({ code: 128 + constants.signals[signal], words: `signal ${signal}` });
    });
    const identity = child.pid === undefined ? undefined : identify(child.pid);
    this.#become({ kind: 'running', process: identity ?? { pid: child.pid ?? -1, startTicks: '' }, sinceMs });
  }

  #ended(exit: Exit, livedMs: number): void {
    const { backoff, clock, resetAfterMs, restart, restartAtOnce } = this.#options;
    if (this.#stopped || !restart(exit)) {
      this.#become({ kind: 'ended', last: exit });
      return;
    }
    if (livedMs >= resetAfterMs) this.#attempt = 0;
    const attempt = this.#attempt++;
    const delayMs = restartAtOnce
      ? attempt === 0
        ? 0
        : backoffDelayMs(backoff, attempt - 1)
      : backoffDelayMs(backoff, attempt);
    this.#become({ kind: 'waiting', last: exit });
    this.#timer = clock.after(delayMs, () => {
      this.#restarts++;
      this.#spawn();
    });
  }

  #become(state: ProcessState): void {
    this.#state = state;
    this.#options.onChange();
  }
}
