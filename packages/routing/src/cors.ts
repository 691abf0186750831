import { equalsBytes, findHeader } from '@tulle/core';
import type { RequestHead } from '@tulle/core';
import type { HttpFilter } from '@tulle/ir';
import { textOf, utf8 } from './bytes.ts';
import { HeaderEdits } from './header-edits.ts';

type CorsFilter = Extract<HttpFilter, { type: 'cors' }>;

const origin = utf8('origin');
const requestMethod = utf8('access-control-request-method');
const requestHeaders = utf8('access-control-request-headers');
const options = utf8('OPTIONS');
/** What a backend says about CORS gives way to what the route says. */
const overridden = [
  utf8('access-control-allow-origin'),
  utf8('access-control-allow-credentials'),
  utf8('access-control-expose-headers'),
];

interface OriginPattern {
  readonly scheme: string;
  /** The host, or with `wildcard` what it ends with (empty: any host). */
  readonly host: string;
  readonly wildcard: boolean;
  readonly port: number;
}

/** Takes `scheme://host[:port]` apart; the port that goes without saying is filled in. */
function splitOrigin(text: string): { scheme: string; host: string; port: number } | undefined {
  const lower = text.toLowerCase();
  const schemeEnd = lower.indexOf('://');
  if (schemeEnd < 0) return undefined;
  const scheme = lower.slice(0, schemeEnd);
  const authority = lower.slice(schemeEnd + 3);
  const colon = authority.lastIndexOf(':');
  const hasPort = colon > authority.lastIndexOf(']');
  const host = hasPort ? authority.slice(0, colon) : authority;
  const port = hasPort ? Number(authority.slice(colon + 1)) : scheme === 'https' ? 443 : 80;
  return host === '' ? undefined : { scheme, host, port };
}

function compileOrigin(text: string): OriginPattern | undefined {
  const parts = splitOrigin(text);
  if (parts === undefined) return undefined;
  const wildcard = parts.host.startsWith('*');
  return { ...parts, wildcard, host: wildcard ? parts.host.slice(1) : parts.host };
}

/** The value of the first field named `lowerName`, or undefined. */
function headerText(head: RequestHead, lowerName: Uint8Array): string | undefined {
  const { headers } = head;
  const field = findHeader(headers, lowerName);
  if (field < 0) return undefined;
  return textOf(headers.buffer, headers.ranges[field * 4 + 2] as number, headers.ranges[field * 4 + 3] as number);
}

/**
 * A CORS filter. A preflight is answered by the mesh; other requests go on, and their responses get the headers that
 * the filter says, in place of what the backend says. A request whose origin is not allowed gets no CORS headers, so
 * that the browser refuses it.
 */
export class CompiledCors {
  private readonly filter: CorsFilter;
  private readonly anyOrigin: boolean;
  private readonly patterns: readonly OriginPattern[];

  constructor(filter: CorsFilter) {
    this.filter = filter;
    this.anyOrigin = filter.allowOrigins.includes('*');
    this.patterns = filter.allowOrigins.map(compileOrigin).filter((pattern) => pattern !== undefined);
  }

  /** Whether the request is a preflight (Fetch standard: OPTIONS with Origin and Access-Control-Request-Method). */
  isPreflight(head: RequestHead): boolean {
    const { headers } = head;
    return (
      equalsBytes(headers.buffer, head.methodStart, head.methodEnd, options) &&
      findHeader(headers, origin) >= 0 &&
      findHeader(headers, requestMethod) >= 0
    );
  }

  /** The answer to a preflight: always 204; without an allowed origin `headers` appends only Vary. */
  preflight(head: RequestHead): { readonly status: 204; readonly headers: HeaderEdits } {
    const from = headerText(head, origin) ?? '';
    const vary = { name: 'Vary', value: 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers' };
    if (!this.allowsOrigin(from)) return { status: 204, headers: new HeaderEdits([], [vary]) };
    const { allowMethods, allowHeaders, maxAgeSeconds } = this.filter;
    const fields = this.originFields(from);
    const methods = this.allowed(allowMethods, headerText(head, requestMethod));
    if (methods !== undefined) fields.push({ name: 'Access-Control-Allow-Methods', value: methods });
    const names = this.allowed(allowHeaders, headerText(head, requestHeaders));
    if (names !== undefined) fields.push({ name: 'Access-Control-Allow-Headers', value: names });
    fields.push({ name: 'Access-Control-Max-Age', value: String(maxAgeSeconds) }, vary);
    return { status: 204, headers: new HeaderEdits([], fields) };
  }

  /**
   * What to do to the response of a request that is no preflight; undefined when it has no Origin. To be asked while the
   * request's head is still there.
   */
  responseEdits(head: RequestHead): HeaderEdits | undefined {
    const from = headerText(head, origin);
    if (from === undefined) return undefined;
    const vary = { name: 'Vary', value: 'Origin' };
    if (!this.allowsOrigin(from)) return new HeaderEdits(overridden, [vary]);
    const fields = this.originFields(from);
    const { exposeHeaders, allowCredentials } = this.filter;
    // With credentials a `*` would be taken for a header of that name (Fetch standard), so it must not be sent.
    const exposed = allowCredentials ? exposeHeaders.filter((name) => name !== '*') : exposeHeaders;
    if (exposed.length > 0) fields.push({ name: 'Access-Control-Expose-Headers', value: exposed.join(', ') });
    return new HeaderEdits(overridden, [...fields, vary]);
  }

  private originFields(from: string): { name: string; value: string }[] {
    const { allowCredentials } = this.filter;
    const value = this.anyOrigin && !allowCredentials ? '*' : from;
    const fields = [{ name: 'Access-Control-Allow-Origin', value }];
    if (allowCredentials) fields.push({ name: 'Access-Control-Allow-Credentials', value: 'true' });
    return fields;
  }

  /** The list that is sent: with credentials a `*` stands for what the browser asked, and for nothing if it did not. */
  private allowed(list: readonly string[], asked: string | undefined): string | undefined {
    if (list.length === 0) return undefined;
    return list.includes('*') && this.filter.allowCredentials ? asked : list.join(', ');
  }

  private allowsOrigin(text: string): boolean {
    if (this.anyOrigin) return text !== '';
    const parts = splitOrigin(text);
    if (parts === undefined) return false;
    return this.patterns.some(
      (pattern) =>
        pattern.scheme === parts.scheme &&
        pattern.port === parts.port &&
        (pattern.wildcard
          ? parts.host.length > pattern.host.length && parts.host.endsWith(pattern.host)
          : parts.host === pattern.host),
    );
  }
}
