import type { RequestHead } from '@tulle/core';
import type { HttpFilter } from '@tulle/ir';
import { copyBytes, utf8 } from './bytes.ts';
import { compilePathModifier, copyTarget, targetLength } from './path-modifier.ts';
import type { TargetBuilder } from './path-modifier.ts';

type RedirectFilter = Extract<HttpFilter, { type: 'redirect' }>;
type RewriteFilter = Extract<HttpFilter, { type: 'rewrite' }>;

/** What a redirect needs to know about the connection: the scheme and the Service port that the client used. */
export interface RedirectContext {
  readonly scheme: 'http' | 'https';
  readonly port: number;
}

/** A RequestRedirect filter: the answer's status and its Location. */
export class CompiledRedirect {
  readonly status: 301 | 302 | 303 | 307 | 308;
  private readonly scheme: 'http' | 'https' | undefined;
  private readonly hostname: Buffer | undefined;
  private readonly port: number | undefined;
  private readonly target: TargetBuilder | undefined;

  constructor(filter: RedirectFilter, prefixLength: number) {
    this.status = filter.statusCode;
    this.scheme = filter.scheme;
    this.hostname = filter.hostname === undefined ? undefined : utf8(filter.hostname);
    this.port = filter.port;
    this.target = compilePathModifier(filter.path, prefixLength);
  }

  /**
   * The value of Location. The port is the filter's, else the well-known one of the filter's scheme, else the Service
   * port that the client used; it is left out where it is the scheme's own (80 for http, 443 for https). A request
   * without an authority, redirected without a hostname, gets a reference relative to itself.
   */
  buildLocation(head: RequestHead, context: RedirectContext): Buffer {
    const { buffer } = head.headers;
    const scheme = this.scheme ?? context.scheme;
    const port = this.port ?? (this.scheme === undefined ? context.port : wellKnownPort(this.scheme));
    const host = this.hostname ?? buffer;
    const hostStart = this.hostname === undefined ? head.authorityStart : 0;
    const hostEnd = this.hostname === undefined ? hostnameEnd(head) : this.hostname.length;
    const length = this.target === undefined ? targetLength(head) : this.target.maxLength(head);
    const location = Buffer.allocUnsafe(16 + (hostEnd - hostStart) + length);
    let at = 0;
    if (hostEnd > hostStart) {
      at = location.write(scheme === 'http' ? 'http://' : 'https://', 0, 'latin1');
      at = copyBytes(host, hostStart, hostEnd, location, at);
      if (port !== wellKnownPort(scheme)) at += location.write(`:${port}`, at, 'latin1');
    }
    at = this.target === undefined ? copyTarget(head, location, at) : this.target.write(head, location, at);
    return location.subarray(0, at);
  }
}

function wellKnownPort(scheme: 'http' | 'https'): number {
  return scheme === 'http' ? 80 : 443;
}

/** Where the authority's host ends: before the port's colon, which in an IPv6 literal is the one behind the bracket. */
function hostnameEnd(head: RequestHead): number {
  const { buffer } = head.headers;
  for (let at = head.authorityEnd - 1; at >= head.authorityStart; at--) {
    const byte = buffer[at];
    if (byte === 58) return at;
    if (byte === 93) break;
  }
  return head.authorityEnd;
}

/** A URLRewrite filter: what of the request's authority and target changes. */
export class CompiledRewrite {
  /** The new authority; the request's own stays when absent. */
  readonly host: Buffer | undefined;
  /** Builds the new path and query; the request's own stay when absent. */
  readonly target: TargetBuilder | undefined;

  constructor(host: Buffer | undefined, target: TargetBuilder | undefined) {
    this.host = host;
    this.target = target;
  }
}

/** The rewrite that `filters` make together (a rule's, then its backend's: the later says last), if any does. */
export function compileRewrite(filters: readonly RewriteFilter[], prefixLength: number): CompiledRewrite | undefined {
  let host: Buffer | undefined;
  let target: TargetBuilder | undefined;
  for (const filter of filters) {
    if (filter.hostname !== undefined) host = utf8(filter.hostname);
    target = compilePathModifier(filter.path, prefixLength) ?? target;
  }
  return host === undefined && target === undefined ? undefined : new CompiledRewrite(host, target);
}
