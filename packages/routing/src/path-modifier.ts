import type { RequestHead } from '@tulle/core';
import type { PathModifier } from '@tulle/ir';
import { copyBytes, utf8 } from './bytes.ts';

/**
 * Replaces a request's path: all of it, or the prefix that the match matched. The query stays as it came, unless a full
 * replacement brings its own.
 *
 * Prefixes are replaced by path element, as the table in the Gateway API's HTTPPathModifier has it: a trailing slash of
 * prefix or replacement does not count, and a path that would be empty is `/`.
 */
export class TargetBuilder {
  private readonly replacement: Buffer;
  private readonly prefixLength: number;
  private readonly keepsQuery: boolean;

  /** `prefixLength`: how many bytes of the path the match's prefix covers (0 for `/`), -1 to replace the whole path. */
  constructor(replacement: string, prefixLength: number) {
    const bytes = utf8(replacement);
    let length = bytes.length;
    if (prefixLength >= 0) while (length > 0 && bytes[length - 1] === 47) length--;
    this.replacement = bytes.subarray(0, length);
    this.prefixLength = prefixLength;
    this.keepsQuery = prefixLength >= 0 || !replacement.includes('?');
  }

  /** How many bytes the new target can have at most. */
  maxLength(head: RequestHead): number {
    return this.replacement.length + (head.pathEnd - head.pathStart) + queryLength(head) + 1;
  }

  /** Writes path and query into `into` at `at`; gives the place behind them. */
  write(head: RequestHead, into: Uint8Array, at: number): number {
    const { buffer } = head.headers;
    let to = copyBytes(this.replacement, 0, this.replacement.length, into, at);
    if (this.prefixLength >= 0) {
      const rest = Math.min(head.pathStart + this.prefixLength, head.pathEnd);
      to = copyBytes(buffer, rest, head.pathEnd, into, to);
    }
    if (to === at) into[to++] = 47;
    if (!this.keepsQuery) return to;
    return copyQuery(head, into, to);
  }

  /** The new path and query, in a buffer of its own. */
  build(head: RequestHead): Buffer {
    const target = Buffer.allocUnsafe(this.maxLength(head));
    return target.subarray(0, this.write(head, target, 0));
  }
}

function queryLength(head: RequestHead): number {
  return head.queryStart < 0 ? 0 : head.queryEnd - head.queryStart + 1;
}

/** Writes `?` and the query, if the request has one. */
function copyQuery(head: RequestHead, into: Uint8Array, at: number): number {
  if (head.queryStart < 0) return at;
  into[at] = 63;
  return copyBytes(head.headers.buffer, head.queryStart, head.queryEnd, into, at + 1);
}

/** The request's own path and query, for a redirect that changes neither. An empty path (`*`) becomes `/`. */
export function copyTarget(head: RequestHead, into: Uint8Array, at: number): number {
  let to = copyBytes(head.headers.buffer, head.pathStart, head.pathEnd, into, at);
  if (to === at) into[to++] = 47;
  return copyQuery(head, into, to);
}

/** At most how many bytes {@link copyTarget} writes. */
export function targetLength(head: RequestHead): number {
  return head.pathEnd - head.pathStart + queryLength(head) + 1;
}

/**
 * The builder for a filter's `path`. A prefix can only be replaced where a prefix was matched: with any other match
 * (`prefixLength` -1) the path stays, and translation has refused the route anyway.
 */
export function compilePathModifier(path: PathModifier | undefined, prefixLength: number): TargetBuilder | undefined {
  if (path === undefined) return undefined;
  if (path.type === 'full') return new TargetBuilder(path.value, -1);
  return prefixLength < 0 ? undefined : new TargetBuilder(path.value, prefixLength);
}
