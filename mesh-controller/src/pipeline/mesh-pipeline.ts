import { CodedError, errorMessage, type Clock, type Logger } from '@tulle/core';
import type { ProblemView } from '@tulle/admin-api';
import type { MeshState } from '@tulle/ir';
import { Coalescer } from './coalescer.ts';
import type { MeshSnapshot } from './mesh-snapshot.ts';

/** How long changes are gathered before they are translated as one. */
const gatherMs = 5;

/** What a {@link MeshPipeline} is made from. */
export interface MeshPipelineOptions {
  /** Translates the objects as they are now. May throw: then the last snapshot stays. */
  readonly translate: () => MeshSnapshot;
  /** Gives a new state to the agents. May throw: then it is given again with the next change. */
  readonly publish: (state: MeshState) => void;
  /** Told of each new snapshot, after it was published. Must not throw. */
  readonly onSnapshot?: (snapshot: MeshSnapshot) => void;
  readonly initial: MeshSnapshot;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * From objects to agents: after each change of the objects they are translated and published, many changes at once. A
 * translation that fails changes nothing: the last snapshot stays, and the failure is one of the problems.
 */
export class MeshPipeline implements Disposable {
  readonly #options: MeshPipelineOptions;
  readonly #coalescer: Coalescer;
  #snapshot: MeshSnapshot;
  #failure: CodedError | undefined;
  #started = false;
  readonly #waiting = new Set<() => void>();

  constructor(options: MeshPipelineOptions) {
    this.#options = options;
    this.#snapshot = options.initial;
    this.#coalescer = new Coalescer({ clock: options.clock, delayMs: gatherMs, action: () => this.#run() });
  }

  /** The result of the last translation that did not fail. */
  get snapshot(): MeshSnapshot {
    return this.#snapshot;
  }

  /** Whether anything is published: not before the source has been read to its end. */
  get started(): boolean {
    return this.#started;
  }

  /** Why the last translation failed, if it did. */
  get problems(): readonly ProblemView[] {
    const failure = this.#failure;
    if (failure === undefined) return [];
    const problem = { severity: 'error', code: failure.code, message: failure.message } as const;
    return [failure.hint === undefined ? problem : { ...problem, hint: failure.hint }];
  }

  /** Begins: the objects are translated and published now, and after each {@link changed} from now on. */
  start(): void {
    this.#started = true;
    this.#run();
  }

  /** The objects have changed. */
  changed(): void {
    if (this.#started) this.#coalescer.request();
  }

  /** Brings the snapshot up to date with the objects now, if they have changed. */
  flush(): void {
    this.#coalescer.flush();
  }

  /** Resolves true as soon as a snapshot makes `condition` hold, and false after `withinMs` without one. */
  until(condition: () => boolean, withinMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (outcome: boolean) => {
        timer.cancel();
        this.#waiting.delete(check);
        resolve(outcome);
      };
      const check = () => {
        if (condition()) settle(true);
      };
      const timer = this.#options.clock.after(withinMs, () => settle(false));
      this.#waiting.add(check);
    });
  }

  [Symbol.dispose](): void {
    this.#started = false;
    this.#coalescer[Symbol.dispose]();
  }

  #run(): void {
    const { translate, publish, clock, logger } = this.#options;
    const startMs = clock.monotonicMs();
    try {
      const snapshot = translate();
      publish(snapshot.state);
      this.#snapshot = snapshot;
      this.#failure = undefined;
      for (const check of this.#waiting) check();
      this.#options.onSnapshot?.(snapshot);
      logger.debug('published', { durationMs: clock.monotonicMs() - startMs, problems: snapshot.problems.length });
    } catch (thrown) {
      this.#failure = new CodedError(
        'TranslationFailed',
        `the objects could not be translated, agents keep what they have: ${errorMessage(thrown)}`,
        { cause: thrown, hint: 'undo the last change, and report this: it is a defect of Tulle' },
      );
      logger.error('translation failed', {
        error: errorMessage(thrown),
        ...(thrown instanceof Error ? { stack: thrown.stack } : {}),
      });
    }
  }
}
