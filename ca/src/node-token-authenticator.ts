import { createHash, timingSafeEqual } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError, err, errorMessage, ok, type Clock, type Logger, type Result } from '@tulle/core';

/** A file shorter than this is no token: an empty file must never let anybody in. */
const minTokenBytes = 16;
const maxTokenBytes = 4096;
/** How old the knowledge of the directory may be. A removed token is refused after this at the latest. */
const maxAgeMs = 1000;
/** A name that a Kubernetes node may have (RFC 1123 subdomain). */
const nodeName = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;

interface NodeToken {
  readonly node: string;
  readonly stamp: string;
  /** SHA-256 of the token: equal lengths for the comparison, and no token stays in memory. */
  readonly digest: Buffer | undefined;
}

/** What a {@link NodeTokenAuthenticator} is made from. */
export interface NodeTokenOptions {
  /** A directory with one file a node, named after it, holding its token. Files that begin with a dot are ignored. */
  readonly directory: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Tells which node a bearer token belongs to. The comparison takes the same time whatever the token. */
export class NodeTokenAuthenticator {
  readonly #options: NodeTokenOptions;
  #tokens: ReadonlyMap<string, NodeToken> = new Map();
  #readAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: NodeTokenOptions) {
    this.#options = options;
  }

  /** The node whose token this is. Error codes: `no-token`, `unknown-token`. */
  authenticate(token: string | undefined): Result<{ readonly kind: 'node'; readonly node: string }, CodedError> {
    if (token === undefined) {
      return err(new CodedError('no-token', 'no bearer token came with the call'));
    }
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs - this.#readAtMs >= maxAgeMs) {
      this.#tokens = this.#read();
      this.#readAtMs = nowMs;
    }
    const digest = createHash('sha256').update(token).digest();
    let found: string | undefined;
    for (const known of this.#tokens.values()) {
      // No early end: the time must not tell which node's token comes near.
      if (known.digest !== undefined && timingSafeEqual(known.digest, digest)) found = known.node;
    }
    return found === undefined
      ? err(new CodedError('unknown-token', 'the bearer token is of no node that is known here'))
      : ok({ kind: 'node', node: found });
  }

  #read(): ReadonlyMap<string, NodeToken> {
    const { directory, logger } = this.#options;
    const tokens = new Map<string, NodeToken>();
    try {
      for (const node of readdirSync(directory)) {
        if (node.startsWith('.')) continue;
        const token = this.#readOne(node);
        if (token !== undefined) tokens.set(node, token);
      }
    } catch (cause) {
      logger.error('the directory of node tokens cannot be read; no node is let in', {
        directory,
        error: errorMessage(cause),
      });
    }
    return tokens;
  }

  #readOne(node: string): NodeToken | undefined {
    const { directory, logger } = this.#options;
    const file = join(directory, node);
    try {
      const { ino, size, mtimeNs } = statSync(file, { bigint: true });
      const stamp = `${ino} ${size} ${mtimeNs}`;
      const before = this.#tokens.get(node);
      if (before?.stamp === stamp) return before;
      const text = size > maxTokenBytes ? '' : readFileSync(file, 'utf8').trim();
      const usable = text.length >= minTokenBytes && nodeName.test(node);
      if (!usable) {
        const expected = `a node's name as file name, ${minTokenBytes} to ${maxTokenBytes} bytes as token`;
        logger.warn('a node token file is ignored', { file, expected });
      }
      return { node, stamp, digest: usable ? createHash('sha256').update(text).digest() : undefined };
    } catch (cause) {
      logger.warn('a node token file cannot be read', { file, error: errorMessage(cause) });
      return undefined;
    }
  }
}
