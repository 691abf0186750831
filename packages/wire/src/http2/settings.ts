import { defaultHeaderTableSize } from '../hpack/index.ts';
import { Http2ConnectionError } from './errors.ts';
import {
  defaultMaxFrameSize,
  defaultWindowSize,
  greatest31Bit,
  greatestMaxFrameSize,
  http2ErrorCode,
  settingId,
} from './protocol.ts';

const { protocolError, flowControlError, frameSizeError } = http2ErrorCode;

/** What we announce (RFC 9113 section 6.5.2). A client always announces ENABLE_PUSH 0. */
export interface Http2Settings {
  /** SETTINGS_HEADER_TABLE_SIZE: memory for the peer's header compression, in bytes. */
  readonly headerTableSize: number;
  /** SETTINGS_MAX_CONCURRENT_STREAMS; a server refuses streams above it. */
  readonly maxConcurrentStreams: number;
  /** SETTINGS_INITIAL_WINDOW_SIZE: how many bytes of a stream may be under way or not yet consumed. */
  readonly initialWindowSize: number;
  /** The connection's window, by WINDOW_UPDATE; below 65535 counts as 65535. */
  readonly connectionWindowSize: number;
  /** SETTINGS_MAX_FRAME_SIZE, 16384 to 16777215 bytes. */
  readonly maxFrameSize: number;
  /** SETTINGS_ENABLE_CONNECT_PROTOCOL (RFC 8441); only a server announces it. */
  readonly enableConnectProtocol: boolean;
}

/** Tunnels between agents: few connections, long-lived streams, the sizes that a ztunnel uses. */
export const tunnelHttp2Settings: Http2Settings = {
  headerTableSize: defaultHeaderTableSize,
  maxConcurrentStreams: 200,
  initialWindowSize: 4 * 1024 * 1024,
  connectionWindowSize: 16 * 1024 * 1024,
  maxFrameSize: 1024 * 1024,
  enableConnectProtocol: false,
};

/** Applications' own HTTP/2 and gRPC. */
export const applicationHttp2Settings: Http2Settings = {
  headerTableSize: defaultHeaderTableSize,
  maxConcurrentStreams: 100,
  initialWindowSize: 256 * 1024,
  // Enough for all streams at once: readers that have stopped never stop the others.
  connectionWindowSize: 100 * 256 * 1024,
  maxFrameSize: defaultMaxFrameSize,
  enableConnectProtocol: true,
};

/** What the peer announced, or the RFC's initial values. */
export class RemoteSettings {
  headerTableSize: number = defaultHeaderTableSize;
  /** Infinity when the peer names no limit. */
  maxConcurrentStreams = Infinity;
  initialWindowSize: number = defaultWindowSize;
  maxFrameSize: number = defaultMaxFrameSize;
  /** Advisory (section 10.5.1); Infinity when the peer names none. */
  maxHeaderListSize = Infinity;
  enableConnectProtocol = false;

  /**
   * Takes the settings of one SETTINGS frame's payload, `payload[start..end)`, in order; unknown ones are ignored.
   *
   * @throws Http2ConnectionError for values that the RFC forbids
   */
  apply(payload: Uint8Array, start: number, end: number, fromServer: boolean): void {
    if ((end - start) % 6 !== 0) {
      throw new Http2ConnectionError(frameSizeError, 'the length of a SETTINGS frame is no multiple of 6');
    }
    for (let at = start; at < end; at += 6) {
      const id = ((payload[at] as number) << 8) | (payload[at + 1] as number);
      const value = readUint32(payload, at + 2);
      switch (id) {
        case settingId.headerTableSize:
          this.headerTableSize = value;
          break;
        case settingId.enablePush:
          // A server may only say 0; a client 0 or 1.
          if (value > 1 || (fromServer && value === 1)) throw invalid('ENABLE_PUSH', value);
          break;
        case settingId.maxConcurrentStreams:
          this.maxConcurrentStreams = value;
          break;
        case settingId.initialWindowSize:
          if (value > greatest31Bit) throw invalid('INITIAL_WINDOW_SIZE', value, flowControlError);
          this.initialWindowSize = value;
          break;
        case settingId.maxFrameSize:
          if (value < defaultMaxFrameSize || value > greatestMaxFrameSize) throw invalid('MAX_FRAME_SIZE', value);
          this.maxFrameSize = value;
          break;
        case settingId.maxHeaderListSize:
          this.maxHeaderListSize = value;
          break;
        case settingId.enableConnectProtocol:
          // RFC 8441 section 3: never 0 after 1.
          if (value > 1 || (value === 0 && this.enableConnectProtocol)) throw invalid('ENABLE_CONNECT_PROTOCOL', value);
          this.enableConnectProtocol = value === 1;
          break;
        default:
      }
    }
  }
}

function invalid(name: string, value: number, errorCode: number = protocolError): Http2ConnectionError {
  return new Http2ConnectionError(errorCode, `SETTINGS_${name} may not be ${value}`);
}

/** The payload of our SETTINGS frame. */
export function encodeSettings(settings: Http2Settings, maxHeaderListBytes: number, role: 'client' | 'server'): Buffer {
  const pairs: [id: number, value: number][] = [
    [settingId.headerTableSize, settings.headerTableSize],
    [settingId.maxConcurrentStreams, settings.maxConcurrentStreams],
    [settingId.initialWindowSize, settings.initialWindowSize],
    [settingId.maxFrameSize, settings.maxFrameSize],
    [settingId.maxHeaderListSize, maxHeaderListBytes],
  ];
  if (role === 'client') pairs.push([settingId.enablePush, 0]);
  else if (settings.enableConnectProtocol) pairs.push([settingId.enableConnectProtocol, 1]);
  const payload = Buffer.alloc(pairs.length * 6);
  pairs.forEach(([id, value], index) => {
    payload.writeUInt16BE(id, index * 6);
    payload.writeUInt32BE(value, index * 6 + 2);
  });
  return payload;
}

/** The unsigned 32-bit number at `bytes[at]`. */
export function readUint32(bytes: Uint8Array, at: number): number {
  const low = ((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
  return (bytes[at] as number) * 0x100_0000 + low;
}

/** The number at `bytes[at]` without its first bit, which is reserved wherever it occurs. */
export function read31Bits(bytes: Uint8Array, at: number): number {
  return readUint32(bytes, at) & 0x7fff_ffff;
}
