import type { Http1FailureCode } from '@tulle/wire';

/** Why the mesh itself answered a request: the value of the header `tulle-reason`, and a label of metrics. */
export type AnswerReason =
  | 'no-route'
  | 'invalid-backend'
  | 'no-healthy-endpoint'
  | 'connect-failed'
  | 'connect-timeout'
  | 'backend-tls'
  | 'overload'
  | 'upstream-reset'
  | 'upstream-timeout'
  | 'request-timeout'
  | 'header-timeout'
  | 'header-too-large'
  | 'bad-request'
  | 'not-http'
  | 'policy-denied'
  | 'upgrade-unsupported'
  | 'routes-missing';

/** Each reason's status and what a person who calls the service reads. */
const answers: Readonly<Record<AnswerReason, readonly [status: number, message: string]>> = {
  'no-route': [404, 'no rule of the routes attached to this Service matches the request'],
  'invalid-backend': [500, 'the route sends this request to a backend that does not exist or is not valid'],
  'no-healthy-endpoint': [503, 'the Service has no endpoint that is ready'],
  'connect-failed': [503, 'no connection to the chosen endpoint could be made'],
  'connect-timeout': [503, 'the chosen endpoint did not take the connection in time'],
  'backend-tls': [503, 'the TLS of the application is not what its BackendTLSPolicy asks for'],
  overload: [503, 'the mesh has too much to do'],
  'upstream-reset': [502, 'the endpoint broke the connection before it had answered'],
  'upstream-timeout': [504, 'the endpoint did not answer in time'],
  'request-timeout': [504, 'the request took longer than the route allows'],
  'header-timeout': [408, 'the head of the request did not come in time'],
  'header-too-large': [431, 'the head of the request is too large'],
  'bad-request': [400, 'the request breaks the rules of HTTP'],
  'not-http': [400, 'these bytes are not HTTP, which is spoken on this port'],
  'policy-denied': [403, 'policy does not allow this client to talk to the service'],
  'upgrade-unsupported': [501, 'the server of this Service takes no WebSocket over HTTP/2 (RFC 8441)'],
  'routes-missing': [503, 'the routes of this Service have not reached this node yet'],
};

/** What a person reads about a reason. */
export function answerMessage(reason: AnswerReason): string {
  return answers[reason][1];
}

const reasonPhrases: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  408: 'Request Timeout',
  414: 'URI Too Long',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  505: 'HTTP Version Not Supported',
};

/** The status of a reason's answer. */
export function answerStatus(reason: AnswerReason): number {
  return answers[reason][0];
}

/** The reason of an answer to a request that the HTTP/1.1 reader refused. */
export function reasonOfFailure(code: Http1FailureCode | undefined): AnswerReason {
  if (code === 'not-http') return 'not-http';
  return code === 'header-too-large' ? 'header-too-large' : 'bad-request';
}

const made = new Map<string, Buffer>();

/** A whole HTTP/1.1 answer for `reason`; `status` differs from the reason's own where the codec is more exact. */
export function http1Answer(
  reason: AnswerReason,
  options: { close: boolean; isHead: boolean; status?: number },
): Buffer {
  const status = options.status ?? answerStatus(reason);
  const key = `${reason} ${status} ${options.close} ${options.isHead}`;
  let answer = made.get(key);
  if (answer === undefined) {
    const body = `tulle: ${reason}: ${answers[reason][1]}\n`;
    answer = Buffer.from(
      `HTTP/1.1 ${status} ${reasonPhrases[status] ?? 'Error'}\r\n` +
        `tulle-reason: ${reason}\r\ncontent-type: text/plain\r\ncontent-length: ${Buffer.byteLength(body)}\r\n` +
        `${options.close ? 'connection: close\r\n' : ''}\r\n${options.isHead ? '' : body}`,
    );
    made.set(key, answer);
  }
  return answer;
}

/** The answer of a redirect, which no backend is asked for; `extra` are ready-made lines. */
export function http1Redirect(status: number, location: Buffer, close: boolean, extra: Uint8Array | undefined): Buffer {
  return Buffer.concat([
    Buffer.from(`HTTP/1.1 ${status} ${redirectPhrases[status] ?? 'Redirect'}\r\nlocation: `),
    location,
    Buffer.from(`\r\ncontent-length: 0\r\n${close ? 'connection: close\r\n' : ''}`),
    extra ?? Buffer.alloc(0),
    Buffer.from('\r\n'),
  ]);
}

/** The answer to a CORS preflight; `fields` are ready-made lines. */
export function http1Preflight(fields: Uint8Array, close: boolean): Buffer {
  return Buffer.concat([
    Buffer.from(`HTTP/1.1 204 No Content\r\n${close ? 'connection: close\r\n' : ''}`),
    fields,
    Buffer.from('\r\n'),
  ]);
}

const redirectPhrases: Readonly<Record<number, string>> = {
  301: 'Moved Permanently',
  302: 'Found',
  303: 'See Other',
  307: 'Temporary Redirect',
  308: 'Permanent Redirect',
};
