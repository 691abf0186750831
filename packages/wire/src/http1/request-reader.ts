import { equalsIgnoreCase } from '@tulle/core';
import type { Http1PayloadSink } from './body-reader.ts';
import { ascii } from './characters.ts';
import { connectionOption, readConnectionOptions } from './connection-options.ts';
import type { Http1Failure, Http1Rule } from './failure.ts';
import { requestFailure } from './failure.ts';
import { FieldBlock, fieldKind } from './field-block.ts';
import { framing, readFraming } from './framing.ts';
import { endWithoutDefaultPort, isAuthority, sameIgnoreCase } from './host.ts';
import type { Http1Limits } from './limits.ts';
import { defaultHttp1Limits } from './limits.ts';
import { listHas } from './list.ts';
import { Http1Reader } from './reader.ts';
import { Http1RequestHead } from './request-head.ts';

const CONTINUE = ascii('100-continue');
const TRAILERS = ascii('trailers');
const H2C = ascii('h2c');

/** RFC 9112 2.2 asks for at least one: old clients send a CRLF too many after a body. */
const MAX_EMPTY_LINES = 4;

/** Reads the requests of one connection, strictly. Reused from request to request; owns no socket and no timer. */
export class Http1RequestReader extends Http1Reader<Http1RequestHead> {
  constructor(limits: Http1Limits = defaultHttp1Limits, sink?: Http1PayloadSink) {
    const head = new Http1RequestHead(new FieldBlock(limits.maxHeaders));
    super(head, limits, { maxEmptyLines: MAX_EMPTY_LINES, sink });
  }

  protected override failureOf(rule: Http1Rule, place: string): Http1Failure {
    return requestFailure(rule, place);
  }

  protected override finishHead(): Http1Rule | undefined {
    const { head } = this;
    const fields = head.headers;
    const hostRule = this.#readHost(fields);
    if (hostRule !== undefined) return hostRule;
    const length = readFraming(fields, head.versionMinor);
    if (typeof length === 'string') return length;
    const options = fields.has(fieldKind.connection) ? readConnectionOptions(fields) : 0;
    if (typeof options === 'string') return options;

    const isCurrent = head.versionMinor === 1;
    const closes = (options & connectionOption.close) !== 0;
    head.keepAlive = !closes && (isCurrent || (options & connectionOption.keepAlive) !== 0);
    const hasBody = length > 0 || length === framing.chunked;
    head.expectContinue = isCurrent && hasBody && fields.has(fieldKind.expect) && this.#expectsContinue(fields);
    head.acceptsTrailers = fields.has(fieldKind.te) && this.#acceptsTrailers(fields);
    head.upgrade = false;
    if (isCurrent && !hasBody && (options & connectionOption.upgrade) !== 0) this.#readUpgrade(fields);

    head.contentLength = length < 0 ? -1 : length;
    if (length === framing.chunked) {
      head.bodyKind = 'chunked';
      return this.beginChunked();
    }
    head.bodyKind = length === framing.none ? 'none' : 'length';
    return length === framing.none ? this.beginNoBody() : this.beginLength(length);
  }

  /** RFC 9112 3.2: one Host in HTTP/1.1, with a valid value, that does not contradict an absolute target. */
  #readHost(fields: FieldBlock): Http1Rule | undefined {
    const { head } = this;
    head.hasHost = fields.has(fieldKind.host);
    if (!head.hasHost) return head.versionMinor === 1 ? 'host-missing' : undefined;
    if (fields.isRepeated(fieldKind.host)) return 'host-repeated';
    const { buffer } = fields;
    const index = fields.indexOf(fieldKind.host);
    const start = fields.valueStart(index);
    const end = fields.valueEnd(index);
    // An empty value is right where the target has no authority (RFC 9112 3.2).
    if (start !== end && !isAuthority(buffer, start, end)) return 'host-syntax';
    if (head.targetForm !== 'absolute') {
      head.authorityStart = start;
      head.authorityEnd = end;
      return undefined;
    }
    const hostEnd = endWithoutDefaultPort(buffer, start, end);
    const targetEnd = endWithoutDefaultPort(buffer, head.authorityStart, head.authorityEnd);
    return sameIgnoreCase(buffer, start, hostEnd, head.authorityStart, targetEnd) ? undefined : 'host-differs';
  }

  #expectsContinue(fields: FieldBlock): boolean {
    if (fields.isRepeated(fieldKind.expect)) return false;
    const index = fields.indexOf(fieldKind.expect);
    return equalsIgnoreCase(fields.buffer, fields.valueStart(index), fields.valueEnd(index), CONTINUE);
  }

  #acceptsTrailers(fields: FieldBlock): boolean {
    for (let i = fields.indexOf(fieldKind.te); i < fields.count; i++) {
      if (fields.kinds[i] !== fieldKind.te) continue;
      if (listHas(fields.buffer, fields.valueStart(i), fields.valueEnd(i), TRAILERS)) return true;
    }
    return false;
  }

  #readUpgrade(fields: FieldBlock): void {
    if (!fields.has(fieldKind.upgrade) || fields.isRepeated(fieldKind.upgrade)) return;
    const index = fields.indexOf(fieldKind.upgrade);
    const start = fields.valueStart(index);
    const end = fields.valueEnd(index);
    if (start === end || listHas(fields.buffer, start, end, H2C)) return;
    this.head.upgrade = true;
    this.head.upgradeStart = start;
    this.head.upgradeEnd = end;
  }
}
