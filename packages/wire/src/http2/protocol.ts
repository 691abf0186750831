/** The numbers of RFC 9113, RFC 8441 and RFC 9218 that the codec uses. */

/** Frame types (section 6). */
export const frameType = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

/** Frame flags (section 6); END_STREAM and ACK share a bit. */
export const frameFlag = { endStream: 1, ack: 1, endHeaders: 4, padded: 8, priority: 32 } as const;

/** Settings identifiers (section 6.5.2; RFC 8441 section 3). */
export const settingId = {
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
  maxHeaderListSize: 6,
  enableConnectProtocol: 8,
} as const;

/** Error codes of RST_STREAM and GOAWAY (section 7). */
export const http2ErrorCode = {
  noError: 0,
  protocolError: 1,
  internalError: 2,
  flowControlError: 3,
  settingsTimeout: 4,
  streamClosed: 5,
  frameSizeError: 6,
  refusedStream: 7,
  cancel: 8,
  compressionError: 9,
  connectError: 10,
  enhanceYourCalm: 11,
  inadequateSecurity: 12,
  http11Required: 13,
} as const;

const errorNames: readonly string[] = [
  'NO_ERROR',
  'PROTOCOL_ERROR',
  'INTERNAL_ERROR',
  'FLOW_CONTROL_ERROR',
  'SETTINGS_TIMEOUT',
  'STREAM_CLOSED',
  'FRAME_SIZE_ERROR',
  'REFUSED_STREAM',
  'CANCEL',
  'COMPRESSION_ERROR',
  'CONNECT_ERROR',
  'ENHANCE_YOUR_CALM',
  'INADEQUATE_SECURITY',
  'HTTP_1_1_REQUIRED',
];

/** The RFC's name of an error code, or the number in hexadecimal when it has none. */
export function http2ErrorName(errorCode: number): string {
  return errorNames[errorCode] ?? `0x${errorCode.toString(16)}`;
}

/** The bytes that a client begins with (section 3.4). */
export const clientPreface: Buffer = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

/** Length of a frame's header (section 4.1). */
export const frameHeaderLength = 9;
/** The window of a stream and of the connection before anything is agreed (section 6.9.2). */
export const defaultWindowSize = 65_535;
/** SETTINGS_MAX_FRAME_SIZE before anything is agreed, and the least allowed (section 6.5.2). */
export const defaultMaxFrameSize = 16_384;
/** The greatest SETTINGS_MAX_FRAME_SIZE. */
export const greatestMaxFrameSize = 16_777_215;
/** The greatest window (section 6.9.1) and the greatest stream identifier (section 5.1.1). */
export const greatest31Bit = 0x7fff_ffff;
