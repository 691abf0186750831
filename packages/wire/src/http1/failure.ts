/** Why a message was refused, as the mesh answers and counts it. The set is closed, so it can be a metric's label. */
export type Http1FailureCode =
  | 'bad-request'
  | 'not-http'
  | 'uri-too-long'
  | 'header-too-large'
  | 'unsupported-transfer-coding'
  | 'unsupported-version'
  | 'bad-response';

/** A message that was refused. The connection it came on can not be used any more: answer `status` and close it. */
export interface Http1Failure {
  readonly code: Http1FailureCode;
  /** The status to answer the client with; 502 for everything that a server did wrong. */
  readonly status: number;
  /** The rule that was broken: finer than `code`, stable, one of a closed set. */
  readonly rule: Http1Rule;
  /** One sentence for people: where, what, and the RFC's section. Holds nothing of what the peer sent. */
  readonly message: string;
}

const statusOf: Record<Http1FailureCode, number> = {
  'bad-request': 400,
  'not-http': 400,
  'uri-too-long': 414,
  'header-too-large': 431,
  'unsupported-transfer-coding': 501,
  'unsupported-version': 505,
  'bad-response': 502,
};

/**
 * Every rule with the code it leads to in a request. Where the RFC leaves a choice, the stricter one is taken:
 * repeated Content-Length fields and lists are refused even where all values are equal (RFC 9110 8.6 allows either),
 * whitespace around chunk extensions is refused, and empty list members of Transfer-Encoding too.
 */
const rules = {
  'bare-lf': ['bad-request', 'a line ends with LF instead of CRLF (RFC 9112 2.2)'],
  'bare-cr': ['bad-request', 'CR without LF (RFC 9112 2.2)'],
  'empty-lines': ['bad-request', 'too many empty lines before the request line (RFC 9112 2.2)'],
  'method-syntax': ['not-http', 'expected a method and a space (RFC 9112 3.1)'],
  'connect-refused': ['bad-request', 'CONNECT is not accepted from applications (RFC 9110 9.3.6)'],
  'target-syntax': [
    'bad-request',
    'expected an origin-form, http absolute-form or asterisk-form target (RFC 9112 3.2)',
  ],
  'target-character': ['bad-request', 'a character that a target may not hold (RFC 9112 3.2)'],
  'request-line-too-long': ['uri-too-long', 'the start line is longer than the limit (RFC 9112 3)'],
  'version-syntax': ['bad-request', 'expected a space, HTTP/1.1 or HTTP/1.0 and CRLF after the target (RFC 9112 2.3)'],
  'version-unsupported': ['unsupported-version', 'only HTTP/1.1 and HTTP/1.0 are spoken (RFC 9110 15.6.6)'],
  'status-syntax': ['bad-request', 'expected HTTP/1.1 or HTTP/1.0 and a status of three digits (RFC 9112 4)'],
  'head-too-large': ['header-too-large', 'the head is larger than the limit (RFC 6585 5)'],
  'too-many-fields': ['header-too-large', 'more header fields than the limit (RFC 6585 5)'],
  'obs-fold': ['bad-request', 'a field line starts with whitespace (RFC 9112 5.2)'],
  'empty-name': ['bad-request', 'a field has no name (RFC 9112 5)'],
  'space-before-colon': ['bad-request', 'whitespace between field name and colon (RFC 9112 5.1)'],
  'name-character': ['bad-request', 'a character that a field name may not hold (RFC 9110 5.1)'],
  'underscore-in-name': ['bad-request', 'a field name holds an underscore'],
  'value-character': ['bad-request', 'a control character in a field value (RFC 9110 5.5)'],
  'host-missing': ['bad-request', 'no Host field (RFC 9112 3.2)'],
  'host-repeated': ['bad-request', 'more than one Host field (RFC 9112 3.2)'],
  'host-syntax': ['bad-request', 'expected a host and perhaps a port (RFC 9110 7.2)'],
  'host-differs': ['bad-request', 'Host and the authority of the absolute-form target differ (RFC 9112 3.2.2)'],
  'content-length-syntax': ['bad-request', 'Content-Length is not one decimal number (RFC 9110 8.6)'],
  'content-length-repeated': ['bad-request', 'more than one Content-Length (RFC 9110 8.6)'],
  'content-length-too-large': ['bad-request', 'Content-Length is too large to count (RFC 9110 8.6)'],
  'content-length-with-transfer-encoding': ['bad-request', 'both Content-Length and Transfer-Encoding (RFC 9112 6.1)'],
  'transfer-encoding-in-1.0': ['bad-request', 'Transfer-Encoding in an HTTP/1.0 message (RFC 9112 6.1)'],
  'transfer-encoding-repeated': ['bad-request', 'more than one Transfer-Encoding field (RFC 9112 6.1)'],
  'transfer-encoding-syntax': ['bad-request', 'Transfer-Encoding does not end in one chunked (RFC 9112 6.3)'],
  'transfer-coding-unknown': ['unsupported-transfer-coding', 'a transfer coding besides chunked (RFC 9112 6.1)'],
  'connection-syntax': ['bad-request', 'Connection is not a list of names (RFC 9110 7.6.1)'],
  'connection-options': ['bad-request', 'too many options in Connection'],
  'connection-nominates': ['bad-request', 'Connection names a field that must reach the recipient (RFC 9110 7.6.1)'],
  'chunk-size': ['bad-request', 'expected a chunk size in hexadecimal digits (RFC 9112 7.1)'],
  'chunk-size-too-large': ['bad-request', 'a chunk size too large to count (RFC 9112 7.1)'],
  'chunk-line-too-long': ['bad-request', 'a chunk line or its extensions are longer than the limit (RFC 9112 7.1.1)'],
  'chunk-extension': ['bad-request', 'a malformed chunk extension (RFC 9112 7.1.1)'],
  'chunk-end': ['bad-request', 'expected CRLF after the data of a chunk (RFC 9112 7.1)'],
  'trailer-too-large': ['header-too-large', 'the trailer section is larger than the limit (RFC 6585 5)'],
  'trailer-forbidden': ['bad-request', 'a field that may not be sent as a trailer (RFC 9110 6.5.1)'],
  'upgrade-unasked': ['bad-request', '101 to a request that asked for no upgrade (RFC 9110 15.2.2)'],
  'too-many-interim': ['bad-request', 'too many interim responses (RFC 9110 15.2)'],
} as const satisfies Record<string, readonly [Http1FailureCode, string]>;

/** The rules of the HTTP/1.1 readers. */
export type Http1Rule = keyof typeof rules;

/** The failure of a request that broke `rule` at `place` ("line 3", "body"). */
export function requestFailure(rule: Http1Rule, place: string): Http1Failure {
  const [code, text] = rules[rule];
  return { code, status: statusOf[code], rule, message: `${place}: ${text}` };
}

/** The failure of a response that broke `rule` at `place`: always the server's fault. */
export function responseFailure(rule: Http1Rule, place: string): Http1Failure {
  return { code: 'bad-response', status: statusOf['bad-response'], rule, message: `${place}: ${rules[rule][1]}` };
}
