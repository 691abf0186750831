import { createHash } from 'node:crypto';
import { CodedError, err, errorMessage, ok, type Clock, type Logger, type Result } from '@tulle/core';
import { SpiffeId } from '@tulle/identity';
import type { KubernetesClient } from '@tulle/kubernetes';
import type { Caller } from './certificate-service.ts';

/** What a {@link TokenReviewAuthenticator} is made from. */
export interface TokenReviewOptions {
  readonly client: KubernetesClient;
  /** The node of a pod, if it is there and has this uid. */
  readonly nodeOfPod: (pod: {
    readonly namespace: string;
    readonly name: string;
    readonly uid: string;
  }) => string | undefined;
  /** A token must be meant for one of these. */
  readonly audiences: readonly string[];
  /** The service accounts (`namespace/name`) of node agents. Tokens of all others speak for a workload. */
  readonly agentServiceAccounts: readonly string[];
  readonly trustDomain: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

type Outcome = Result<Caller, CodedError>;

const reviewsPath = '/apis/authentication.k8s.io/v1/tokenreviews';
/** How long an answer is believed: a pod that is deleted may ask for so long after. */
const acceptedMs = 60_000;
/** A token is refused again without a question for so long: enough to keep a flood from the API server. */
const refusedMs = 5000;
const maxAnswers = 4096;
const maxAtOnce = 32;
const maxTokenBytes = 32 * 1024;

interface Answer {
  readonly outcome: Promise<Outcome>;
  untilMs: number;
}

/** The user of a TokenReview that was accepted. */
interface ReviewedUser {
  readonly username?: string;
  readonly extra?: Readonly<Record<string, readonly string[] | undefined>>;
}

/**
 * Tells who calls by a service-account token, as the API server says it: an agent of the node that its token is bound
 * to, or a workload. Tokens that are bound to no pod, or meant for others, are refused.
 */
export class TokenReviewAuthenticator {
  readonly #options: TokenReviewOptions;
  /** By the token's SHA-256, so that no token stays in memory. */
  readonly #answers = new Map<string, Answer>();
  #underWay = 0;

  constructor(options: TokenReviewOptions) {
    this.#options = options;
  }

  /** Error codes: `no-token`, `unknown-token`, `unavailable` (the API server does not answer). */
  async authenticate(token: string | undefined): Promise<Outcome> {
    if (token === undefined) return err(new CodedError('no-token', 'no bearer token came with the call'));
    if (token.length > maxTokenBytes) return unknown('the token is longer than any of a service account');
    const nowMs = this.#options.clock.monotonicMs();
    const key = createHash('sha256').update(token).digest('base64');
    const known = this.#answers.get(key);
    if (known !== undefined && nowMs < known.untilMs) return known.outcome;
    if (this.#underWay >= maxAtOnce) return err(new CodedError('unavailable', 'too many tokens are being reviewed'));
    const answer: Answer = { outcome: this.#review(token), untilMs: Number.POSITIVE_INFINITY };
    this.#remember(key, answer);
    const outcome = await answer.outcome;
    if (!outcome.ok && outcome.error.code === 'unavailable') this.#answers.delete(key);
    else answer.untilMs = this.#options.clock.monotonicMs() + (outcome.ok ? acceptedMs : refusedMs);
    return outcome;
  }

  /** The node of an agent's token; as {@link authenticate}, and `unknown-token` for tokens of workloads. */
  async authenticateNode(token: string | undefined): Promise<Result<{ readonly node: string }, CodedError>> {
    const caller = await this.authenticate(token);
    if (!caller.ok) return caller;
    if (caller.value.kind === 'node') return ok(caller.value);
    return unknown(`${caller.value.identity.text} is no agent`);
  }

  #remember(key: string, answer: Answer): void {
    this.#answers.delete(key);
    if (this.#answers.size >= maxAnswers) {
      const [oldest] = this.#answers.keys();
      if (oldest !== undefined) this.#answers.delete(oldest);
    }
    this.#answers.set(key, answer);
  }

  async #review(token: string): Promise<Outcome> {
    const { audiences, client, logger } = this.#options;
    this.#underWay += 1;
    try {
      const review = {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenReview',
        spec: { token, audiences },
      };
      return this.#judge((await client.create(reviewsPath, review)) as { readonly status?: ReviewStatus });
    } catch (thrown) {
      logger.warn('a token could not be reviewed', { error: errorMessage(thrown) });
      return err(new CodedError('unavailable', 'the API server cannot be asked about the token'));
    } finally {
      this.#underWay -= 1;
    }
  }

  #judge({ status = {} }: { readonly status?: ReviewStatus }): Outcome {
    const { authenticated, audiences = [], error, user = {} } = status;
    if (authenticated !== true) return unknown(error ?? 'the API server does not accept the token');
    // A server that knows nothing of audiences answers none: then the token may be meant for anybody.
    if (!audiences.some((audience) => this.#options.audiences.includes(audience))) {
      return unknown(`the token is for none of the audiences ${this.#options.audiences.join(', ')}`);
    }
    const account = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(user.username ?? '');
    const [, namespace = '', name = ''] = account ?? [];
    if (account === null) return unknown(`${user.username ?? 'the user'} is no service account`);
    if (this.#options.agentServiceAccounts.includes(`${namespace}/${name}`)) return this.#agent(namespace, user);
    const { trustDomain } = this.#options;
    const identity = SpiffeId.forWorkload({ trustDomain, namespace, serviceAccount: name });
    return identity.ok ? ok({ kind: 'workload', identity: identity.value }) : identity;
  }

  /** The node that an agent's token is bound to: the token says it, or its pod does. */
  #agent(namespace: string, { extra = {} }: ReviewedUser): Outcome {
    const [named] = extra['authentication.kubernetes.io/node-name'] ?? [];
    if (named !== undefined) return ok({ kind: 'node', node: named });
    const [podName = ''] = extra['authentication.kubernetes.io/pod-name'] ?? [];
    const [uid] = extra['authentication.kubernetes.io/pod-uid'] ?? [];
    const node = uid === undefined ? undefined : this.#options.nodeOfPod({ namespace, name: podName, uid });
    if (node === undefined) return unknown("the agent's token is bound to no pod of a node that is known here");
    return ok({ kind: 'node', node });
  }
}

interface ReviewStatus {
  readonly authenticated?: boolean;
  readonly audiences?: readonly string[];
  readonly error?: string;
  readonly user?: ReviewedUser;
}

function unknown(message: string): { readonly ok: false; readonly error: CodedError } {
  return { ok: false, error: new CodedError('unknown-token', message) };
}
