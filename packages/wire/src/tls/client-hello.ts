/** Why the beginning of a TLS connection was refused; a closed set, so it can be a metric's label. */
export type ClientHelloFailure =
  /** The first byte is that of no TLS handshake record. */
  | 'not-tls'
  /** A record of another type, version or length than a ClientHello may come in (RFC 8446 section 5.1). */
  | 'bad-record'
  /** The handshake does not begin with a ClientHello, or other bytes follow it in its record. */
  | 'not-client-hello'
  /** More bytes than {@link maxClientHelloBytes}. */
  | 'too-large'
  /** A length inside does not fit its surroundings (RFC 8446 section 4.1.2). */
  | 'bad-length'
  /** An extension that is there twice (RFC 8446 section 4.2). */
  | 'repeated-extension'
  /** A server name that is none (RFC 6066 section 3). */
  | 'bad-server-name';

/** A ClientHello that is longer is refused. Real ones have some hundred bytes, with post-quantum keys about 1,800. */
export const maxClientHelloBytes = 32 * 1024;

const recordHeaderBytes = 5;
const handshakeHeaderBytes = 4;
const maxRecordBytes = 16_384;
const handshakeRecord = 22;
const clientHelloMessage = 1;
const serverNameExtension = 0;
const hostNameType = 0;
const maxHostNameBytes = 255;

/** Whether a connection that begins with these bytes speaks TLS: a handshake record of a version that there is. */
export function looksLikeTls(chunk: Uint8Array, start: number, end: number): 'yes' | 'no' | 'need-more' {
  if (start === end) return 'need-more';
  if (chunk[start] !== handshakeRecord) return 'no';
  if (start + 1 === end) return 'need-more';
  return chunk[start + 1] === 3 ? 'yes' : 'no';
}

/**
 * Reads the ClientHello that a TLS connection begins with, for the server name in it (SNI), without being a side of the
 * connection: what it reads goes on to the server as it came.
 *
 * Strict: every length must fit exactly. The hello may come cut at any byte and in any number of records; extensions
 * that are not known (GREASE, and whatever is invented) are passed over. With Encrypted ClientHello the name is that of
 * the outer hello, the one that the server publishes for this purpose (ECH).
 */
export class ClientHelloReader {
  state: 'reading' | 'complete' | 'failed' = 'reading';
  failure: ClientHelloFailure | undefined;
  /** In lower case; undefined where the client sent none. Valid once the state is `complete`. */
  serverName: string | undefined;
  readonly #header = new Uint8Array(recordHeaderBytes);
  #headerLength = 0;
  /** Bytes of the record under way that are still to come. */
  #recordLeft = 0;
  #hello = Buffer.alloc(0);
  #helloLength = 0;

  /** Reads `chunk[start..end)`; gives the offset behind what belongs to the hello. Call it while the state is `reading`. */
  read(chunk: Uint8Array, start: number, end: number): number {
    let at = start;
    while (at < end && this.state === 'reading') {
      if (this.#recordLeft === 0) {
        this.#header[this.#headerLength++] = chunk[at++] as number;
        this.#checkRecordHeader();
        continue;
      }
      const length = Math.min(end - at, this.#recordLeft);
      this.#keep(chunk, at, length);
      at += length;
      this.#recordLeft -= length;
      this.#checkHandshake();
    }
    return at;
  }

  #fail(failure: ClientHelloFailure): void {
    this.state = 'failed';
    this.failure = failure;
  }

  /** Each byte is checked as it comes, so that what is no TLS is known at once. */
  #checkRecordHeader(): void {
    const header = this.#header;
    switch (this.#headerLength) {
      case 1:
        if (header[0] !== handshakeRecord) this.#fail(this.#helloLength === 0 ? 'not-tls' : 'bad-record');
        return;
      case 2:
        if (header[1] !== 3) this.#fail('bad-record');
        return;
      case 3:
        // 3.0 is SSL; of TLS there are 1.0 to 1.3, of which no record says more than 1.2.
        if ((header[2] as number) < 1 || (header[2] as number) > 3) this.#fail('bad-record');
        return;
      case recordHeaderBytes: {
        const length = ((header[3] as number) << 8) | (header[4] as number);
        if (length === 0 || length > maxRecordBytes) this.#fail('bad-record');
        this.#recordLeft = length;
        this.#headerLength = 0;
        return;
      }
    }
  }

  #keep(chunk: Uint8Array, start: number, length: number): void {
    const wanted = this.#helloLength + length;
    if (wanted > maxClientHelloBytes + maxRecordBytes) return this.#fail('too-large');
    if (wanted > this.#hello.length) {
      const larger = Buffer.allocUnsafe(Math.max(wanted, this.#hello.length * 2, 2_048));
      this.#hello.copy(larger, 0, 0, this.#helloLength);
      this.#hello = larger;
    }
    this.#hello.set(chunk.subarray(start, start + length), this.#helloLength);
    this.#helloLength = wanted;
  }

  #checkHandshake(): void {
    if (this.state !== 'reading') return;
    const hello = this.#hello;
    if (hello[0] !== clientHelloMessage) return this.#fail('not-client-hello');
    if (this.#helloLength < handshakeHeaderBytes) return;
    const end = handshakeHeaderBytes + hello.readUIntBE(1, 3);
    if (end > maxClientHelloBytes) return this.#fail('too-large');
    if (this.#helloLength < end) return;
    // A client waits for the server's answer before it sends more of the handshake (RFC 8446 section 2).
    if (this.#helloLength > end || this.#recordLeft > 0) return this.#fail('not-client-hello');
    const found = serverNameOf(hello, handshakeHeaderBytes, end);
    this.#hello = Buffer.alloc(0);
    if (typeof found === 'string') return this.#fail(found);
    this.serverName = found.serverName;
    this.state = 'complete';
  }
}

/** A part of a hello, read from its beginning; a read beyond its end makes it `broken` and gives 0. */
class Part {
  readonly #bytes: Buffer;
  #at: number;
  readonly end: number;
  broken = false;

  constructor(bytes: Buffer, start: number, end: number) {
    this.#bytes = bytes;
    this.#at = start;
    this.end = end;
  }

  get left(): number {
    return this.end - this.#at;
  }

  /** A whole number of one or two bytes. */
  number(bytes: 1 | 2): number {
    return this.skip(bytes) ? this.#bytes.readUIntBE(this.#at - bytes, bytes) : 0;
  }

  skip(bytes: number): boolean {
    if (this.broken || bytes > this.left) {
      this.broken = true;
      return false;
    }
    this.#at += bytes;
    return true;
  }

  /** The vector that begins with its length in one or two bytes. */
  vector(lengthBytes: 1 | 2): Part {
    const length = this.number(lengthBytes);
    const start = this.#at;
    if (this.skip(length)) return new Part(this.#bytes, start, start + length);
    return new Part(this.#bytes, 0, 0);
  }

  text(): string {
    return this.#bytes.toString('latin1', this.#at, this.end);
  }
}

/** The server name of a hello's body, all of which is checked. */
function serverNameOf(
  hello: Buffer,
  start: number,
  end: number,
): ClientHelloFailure | { readonly serverName: string | undefined } {
  const body = new Part(hello, start, end);
  const major = body.number(1);
  const minor = body.number(1);
  body.skip(32);
  const session = body.vector(1);
  const cipherSuites = body.vector(2);
  const compressions = body.vector(1);
  const unsound =
    major !== 3 ||
    minor < 1 ||
    session.left > 32 ||
    cipherSuites.left < 2 ||
    cipherSuites.left % 2 !== 0 ||
    compressions.left < 1;
  if (body.broken || unsound) return 'bad-length';
  // Before TLS 1.3 a hello may end here.
  if (body.left === 0) return { serverName: undefined };
  const extensions = body.vector(2);
  if (body.broken || body.left > 0) return 'bad-length';
  return fromExtensions(extensions);
}

function fromExtensions(extensions: Part): ClientHelloFailure | { readonly serverName: string | undefined } {
  const seen = new Set<number>();
  let serverName: string | undefined;
  while (extensions.left > 0) {
    const type = extensions.number(2);
    const data = extensions.vector(2);
    if (extensions.broken) return 'bad-length';
    if (seen.has(type)) return 'repeated-extension';
    seen.add(type);
    if (type !== serverNameExtension) continue;
    // "The ServerNameList MUST NOT contain more than one name of the same name_type", and there is no other type.
    const list = data.vector(2);
    const nameType = list.number(1);
    const name = list.vector(2);
    if (data.broken || data.left > 0 || list.broken || list.left > 0) return 'bad-length';
    if (nameType !== hostNameType) return 'bad-server-name';
    serverName = hostName(name);
    if (serverName === undefined) return 'bad-server-name';
  }
  return { serverName };
}

/** A host name in lower case; undefined for what is none: other characters, empty labels, a dot at its end. */
function hostName(part: Part): string | undefined {
  if (part.left === 0 || part.left > maxHostNameBytes) return undefined;
  const text = part.text();
  let labelLength = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 46) {
      if (labelLength === 0) return undefined;
      labelLength = 0;
      continue;
    }
    const isLetter = (code >= 97 && code <= 122) || (code >= 65 && code <= 90);
    // Names in clusters have underscores, though host names have none.
    if (!isLetter && !(code >= 48 && code <= 57) && code !== 45 && code !== 95) return undefined;
    labelLength += 1;
  }
  return labelLength === 0 ? undefined : text.toLowerCase();
}
