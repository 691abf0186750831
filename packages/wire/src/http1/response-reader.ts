import type { Http1PayloadSink } from './body-reader.ts';
import { connectionOption, readConnectionOptions } from './connection-options.ts';
import type { Http1Failure, Http1Rule } from './failure.ts';
import { responseFailure } from './failure.ts';
import { FieldBlock, fieldKind, hopByHopFlag } from './field-block.ts';
import { framing, readFraming } from './framing.ts';
import type { Http1Limits } from './limits.ts';
import { defaultHttp1Limits } from './limits.ts';
import { Http1Reader } from './reader.ts';
import { Http1ResponseHead } from './response-head.ts';

/** A server that sends interim responses without end would keep a request busy for ever. */
const MAX_INTERIM_RESPONSES = 32;
const SWITCHING_PROTOCOLS = 101;
const NO_CONTENT = 204;
const NOT_MODIFIED = 304;
const UPGRADE_REQUIRED = 426;

/**
 * Reads the responses of one connection. Whoever sends a request on it calls {@link expect} before the response's
 * first byte is read. Field names may hold underscores here, whatever the limits say.
 */
export class Http1ResponseReader extends Http1Reader<Http1ResponseHead> {
  #isHead = false;
  #upgradeAsked = false;
  #interimResponses = 0;

  constructor(limits: Http1Limits = defaultHttp1Limits, sink?: Http1PayloadSink) {
    const head = new Http1ResponseHead(new FieldBlock(limits.maxHeaders));
    super(head, { ...limits, allowUnderscores: true }, { maxEmptyLines: 0, sink });
  }

  /** Says which request the next final response answers: a HEAD has no body in it, and only an upgrade may get 101. */
  expect(isHead: boolean, upgradeAsked = false): void {
    this.#isHead = isHead;
    this.#upgradeAsked = upgradeAsked;
    this.#interimResponses = 0;
  }

  protected override failureOf(rule: Http1Rule, place: string): Http1Failure {
    return responseFailure(rule, place);
  }

  protected override finishHead(): Http1Rule | undefined {
    const { head } = this;
    const fields = head.headers;
    const { status } = head;
    head.upgrade = status === SWITCHING_PROTOCOLS;
    head.interim = status < 200 && !head.upgrade;
    if (head.upgrade && !this.#upgradeAsked) return 'upgrade-unasked';
    if (head.interim && ++this.#interimResponses > MAX_INTERIM_RESPONSES) return 'too-many-interim';

    const length = readFraming(fields, head.versionMinor);
    if (typeof length === 'string') return length;
    const options = fields.has(fieldKind.connection) ? readConnectionOptions(fields) : 0;
    if (typeof options === 'string') return options;
    const closes = (options & connectionOption.close) !== 0;
    head.keepAlive =
      !closes && !head.upgrade && (head.versionMinor === 1 || (options & connectionOption.keepAlive) !== 0);
    head.contentLength = length < 0 ? -1 : length;
    this.#readUpgrade(fields, (options & connectionOption.upgrade) !== 0);

    if (status < 200 || status === NO_CONTENT) this.#dropFraming(fields, length);
    if (status < 200 || status === NO_CONTENT || status === NOT_MODIFIED || this.#isHead) {
      head.bodyKind = 'none';
      return this.beginNoBody();
    }
    if (length === framing.chunked) {
      head.bodyKind = 'chunked';
      return this.beginChunked();
    }
    if (length === framing.none) {
      head.bodyKind = 'until-close';
      head.keepAlive = false;
      return this.beginUntilClose();
    }
    head.bodyKind = 'length';
    return this.beginLength(length);
  }

  #readUpgrade(fields: FieldBlock, nominated: boolean): void {
    const { head } = this;
    head.upgradeStart = 0;
    head.upgradeEnd = 0;
    if (!nominated || (head.status !== SWITCHING_PROTOCOLS && head.status !== UPGRADE_REQUIRED)) return;
    if (!fields.has(fieldKind.upgrade) || fields.isRepeated(fieldKind.upgrade)) return;
    const index = fields.indexOf(fieldKind.upgrade);
    head.upgradeStart = fields.valueStart(index);
    head.upgradeEnd = fields.valueEnd(index);
  }

  /**
   * 1xx and 204 have no body and may have no framing fields (RFC 9112 6.1, RFC 9110 8.6). Servers send them: they are
   * not forwarded, and a server that seems to mean a body is not asked again on this connection.
   */
  #dropFraming(fields: FieldBlock, length: number): void {
    if (length === framing.none) return;
    if (length !== 0) this.head.keepAlive = false;
    for (let i = 0; i < fields.count; i++) {
      const kind = fields.kinds[i];
      if (kind === fieldKind.contentLength || kind === fieldKind.transferEncoding) fields.flags[i] = hopByHopFlag;
    }
  }
}
