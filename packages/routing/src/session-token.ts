import { createHmac, timingSafeEqual } from 'node:crypto';

/** Where a session's requests go: one endpoint of a Service port. */
export interface SessionEndpoint {
  /** The key of the Service, and its port. */
  readonly service: string;
  readonly port: number;
  /** The endpoint's address and port, and the workload behind it: another pod at the address is another endpoint. */
  readonly address: string;
  readonly endpointPort: number;
  readonly workload: string | undefined;
}

/** What a token says whose signature is right. */
export interface VerifiedSession {
  /** Names an endpoint; equal to {@link SessionSigner.tagOf} of it. */
  readonly tag: string;
  /** When the session began, in seconds since the Unix epoch. */
  readonly issuedAtSeconds: number;
}

const tokenVersion = 1;
const tagBytes = 12;
const macBytes = 16;
const payloadBytes = 1 + 4 + tagBytes;
const tokenBytes = payloadBytes + macBytes;
/** In base64url, without padding. */
const tokenLength = Math.ceil((tokenBytes * 4) / 3);
/** So many tokens are remembered at least, and twice as many at most. */
const knownTokens = 4096;
/** A key has at least so many bytes. */
export const sessionKeyBytes = 32;

/**
 * Makes and reads the tokens of sessions (GEP-1619): a version, when the session began, a name of its endpoint, and a
 * signature over these and the session's own name.
 *
 * The endpoint is named by a keyed hash: a client cannot choose an endpoint, carry a token over to another session's
 * name, or learn a pod's address or name. Everything is in the token, so nobody keeps a table, and any agent that has
 * the mesh's key reads what any other has signed.
 */
export class SessionSigner {
  readonly #key: Uint8Array;
  /** Tokens whose signature was right, by the session's name and themselves: a client brings its own with each request. */
  #known = new Map<string, VerifiedSession>();
  #knownBefore = new Map<string, VerifiedSession>();

  /** Throws a RangeError for keys below 32 bytes. */
  constructor(key: Uint8Array) {
    if (key.length < sessionKeyBytes) throw new RangeError(`a session key has at least ${sessionKeyBytes} bytes`);
    this.#key = key;
  }

  /** The name of an endpoint in tokens. */
  tagOf({ service, port, address, endpointPort, workload }: SessionEndpoint): string {
    const text = ['endpoint', service, port, address, endpointPort, workload ?? ''].join('\0');
    return createHmac('sha256', this.#key).update(text).digest().toString('base64url', 0, tagBytes);
  }

  /** A token for the session `name` that begins at `nowMs` (since the epoch) at the endpoint that `tag` names. */
  issue(name: string, tag: string, nowMs: number): string {
    const token = Buffer.alloc(tokenBytes);
    token.writeUInt8(tokenVersion, 0);
    token.writeUInt32BE(Math.floor(nowMs / 1000), 1);
    token.write(tag, 5, tagBytes, 'base64url');
    this.#mac(name, token).copy(token, payloadBytes, 0, macBytes);
    return token.toString('base64url');
  }

  /**
   * Reads a token of the session `name`. Undefined where it is none of ours, was changed, or began longer than
   * `absoluteTimeoutMs` ago, or after `nowMs` by more than clocks differ.
   */
  verify(
    name: string,
    token: string,
    { nowMs, absoluteTimeoutMs }: { readonly nowMs: number; readonly absoluteTimeoutMs: number | undefined },
  ): VerifiedSession | undefined {
    if (token.length !== tokenLength) return undefined;
    const session = this.#recall(name, token);
    if (session === undefined) return undefined;
    const ageMs = nowMs - session.issuedAtSeconds * 1000;
    if (ageMs < -clockSkewMs || (absoluteTimeoutMs !== undefined && ageMs >= absoluteTimeoutMs)) return undefined;
    return session;
  }

  /** What a token says, read anew where it was not read lately. Only what is good is kept, in two halves. */
  #recall(name: string, token: string): VerifiedSession | undefined {
    const key = name + token;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const session = this.#knownBefore.get(key) ?? this.#read(name, token);
    if (session === undefined) return undefined;
    if (this.#known.size >= knownTokens) {
      this.#knownBefore = this.#known;
      this.#known = new Map();
    }
    this.#known.set(key, session);
    return session;
  }

  #read(name: string, token: string): VerifiedSession | undefined {
    const bytes = Buffer.from(token, 'base64url');
    if (bytes.length !== tokenBytes || bytes[0] !== tokenVersion) return undefined;
    const mac = this.#mac(name, bytes).subarray(0, macBytes);
    if (!timingSafeEqual(mac, bytes.subarray(payloadBytes))) return undefined;
    return { tag: bytes.toString('base64url', 5, payloadBytes), issuedAtSeconds: bytes.readUInt32BE(1) };
  }

  #mac(name: string, token: Buffer): Buffer {
    const hmac = createHmac('sha256', this.#key).update(`session\0${name}\0`);
    return hmac.update(token.subarray(0, payloadBytes)).digest();
  }
}

/** Agents sign and read each by its node's clock. */
const clockSkewMs = 60_000;
