/** Makes ClientHellos for tests, right and wrong ones. */
export interface HelloParts {
  readonly serverName?: string;
  /** Further extensions, by type. */
  readonly extensions?: readonly (readonly [type: number, data: Buffer])[];
  readonly version?: number;
  readonly sessionIdBytes?: number;
  readonly cipherSuites?: Buffer;
  /** Replaces the whole list of extensions; undefined in it: none, as before TLS 1.2. */
  readonly rawExtensions?: Buffer;
}

export function vector(lengthBytes: 1 | 2 | 3, data: Buffer): Buffer {
  const length = Buffer.alloc(lengthBytes);
  length.writeUIntBE(data.length, 0, lengthBytes);
  return Buffer.concat([length, data]);
}

export function extension(type: number, data: Buffer): Buffer {
  return Buffer.concat([Buffer.of(type >> 8, type & 255), vector(2, data)]);
}

/** The data of a server_name extension with these names of type 0. */
export function serverNameList(...names: readonly string[]): Buffer {
  return vector(2, Buffer.concat(names.map((name) => Buffer.concat([Buffer.of(0), vector(2, Buffer.from(name))]))));
}

/** The handshake message, without a record around it. */
export function clientHello(parts: HelloParts = {}): Buffer {
  const extensions =
    parts.rawExtensions ??
    Buffer.concat([
      ...(parts.serverName === undefined ? [] : [extension(0, serverNameList(parts.serverName))]),
      ...(parts.extensions ?? []).map(([type, data]) => extension(type, data)),
    ]);
  const version = parts.version ?? 0x0303;
  const body = Buffer.concat([
    Buffer.of(version >> 8, version & 255),
    Buffer.alloc(32, 7),
    vector(1, Buffer.alloc(parts.sessionIdBytes ?? 32, 9)),
    vector(2, parts.cipherSuites ?? Buffer.of(0x1a, 0x1a, 0x13, 0x01)),
    vector(1, Buffer.of(0)),
    vector(2, extensions),
  ]);
  return handshake(1, body);
}

export function handshake(type: number, body: Buffer): Buffer {
  return Buffer.concat([Buffer.of(type), vector(3, body)]);
}

/** Handshake records of at most `bytes` each. */
export function records(message: Buffer, bytes = 16_384, version = 0x0301): Buffer {
  const made: Buffer[] = [];
  for (let at = 0; at < message.length; at += bytes) {
    made.push(Buffer.concat([Buffer.of(22, version >> 8, version & 255), vector(2, message.subarray(at, at + bytes))]));
  }
  return Buffer.concat(made);
}
