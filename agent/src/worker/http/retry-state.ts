import { wantsRetry } from '@tulle/routing';
import type { AttemptOutcome, CompiledRetryPolicy, RetryBudgetMeter } from '@tulle/routing';
import { Replay } from './replay.ts';

/** How often the request at hand was tried, and what of it can be sent again. One an exchange, reused. */
export class RetryState {
  retries = 0;
  /** Whether any of the body has gone to a server. */
  bodySent = false;
  /** Whether a connection that had been idle turned out to be closed: that is made good once. */
  staleOnce = false;
  #policy: CompiledRetryPolicy | undefined;
  #budget: RetryBudgetMeter | undefined;
  #keepsBody = false;
  /** Made with the first bytes of the body. */
  #replay: Replay | undefined;

  /** Begins anew. */
  begin(policy: CompiledRetryPolicy | undefined, budget: RetryBudgetMeter, nowMs: number): void {
    this.retries = 0;
    this.bodySent = false;
    this.staleOnce = false;
    this.#policy = policy;
    this.#budget = budget;
    if (policy !== undefined) budget.countRequest(nowMs);
  }

  /** Keeps the body for other attempts where the policy asks for it, or `always`: servers may not process it. */
  keepBody(always: boolean): void {
    this.#keepsBody = always || this.#policy !== undefined;
    this.#replay = undefined;
  }

  /** What of the body was sent, to be sent again. */
  get sentChunks(): readonly Buffer[] {
    return this.#replay?.chunks ?? noChunks;
  }

  /** A part of the body goes to a server. */
  noteBody(chunk: Buffer, start: number, end: number): void {
    this.bodySent = true;
    if (!this.#keepsBody) return;
    this.#replay ??= new Replay();
    this.#replay.add(chunk, start, end);
  }

  /** Nothing will be tried again. */
  forgetBody(): void {
    this.#keepsBody = false;
    this.#replay = undefined;
  }

  /** Whether a response with this status is one that the policy would have tried again. */
  retriesStatus(status: number): boolean {
    return this.#policy !== undefined && this.#policy.retriesStatus(status);
  }

  /**
   * Decides about another attempt, and counts it where there is to be one. No response has begun.
   * `no-budget`: the policy wants it, but the Service gets too many retries already.
   */
  decide(outcome: AttemptOutcome, status: number, idempotent: boolean): 'retry' | 'give-up' | 'no-budget' {
    const wanted = wantsRetry(this.#policy, {
      outcome,
      status,
      retries: this.retries,
      responseStarted: false,
      bodyReplayable: !this.bodySent || this.#replay?.whole === true,
      idempotent,
    });
    if (!wanted) return 'give-up';
    if (this.#policy !== undefined && this.#budget?.tryRetry(performance.now()) !== true) return 'no-budget';
    this.retries += 1;
    return 'retry';
  }

  /** How long to wait before the attempt that was just decided on. */
  get delayMs(): number {
    return this.#policy?.delayMs(this.retries - 1) ?? 0;
  }
}

const noChunks: readonly Buffer[] = [];
