export { Http2Connection } from './connection.ts';
export type { Http2ConnectionOptions } from './connection-core.ts';
export { Http2ConnectionError, Http2UsageError } from './errors.ts';
export type { Http2Handlers, Http2Output } from './handlers.ts';
export { defaultHttp2Limits, type Http2Limits } from './limits.ts';
export { Http2Headers, Http2RequestHead } from './message-fields.ts';
export { clientPreface, http2ErrorCode, http2ErrorName } from './protocol.ts';
export { applicationHttp2Settings, tunnelHttp2Settings, type Http2Settings, type RemoteSettings } from './settings.ts';
export { Http2Stream, type Http2StreamState, type RequestKind } from './stream.ts';
