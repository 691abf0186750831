import { X509Certificate } from 'node:crypto';
import { Socket } from 'node:net';
import { connect as connectTls, createSecureContext } from 'node:tls';
import type { PeerCertificate, SecureContext, TLSSocket } from 'node:tls';
import type { BackendTls, SubjectAltName } from '@tulle/ir';
import { openSocketPair } from '@tulle/linux';
import type { ByteChannel, ChannelFailure, ChannelOwner } from './channel.ts';
import { nobody } from './channel.ts';
import { handshakeTimeoutMs } from './connect-timeouts.ts';
import type { Deadline, Ticker } from './tick.ts';

/** What is spoken inside the TLS to an application: the ALPN name, or nothing for bytes that nobody parses. */
export type InnerProtocol = 'http/1.1' | 'h2' | 'bytes';

/** How TLS is spoken to an application, ready to use: made once for each setting. */
export class OriginationSettings {
  readonly hostname: string;
  readonly context: SecureContext;
  readonly #subjectAltNames: readonly SubjectAltName[];

  constructor(tls: Extract<BackendTls, { type: 'originate' }>) {
    this.hostname = tls.hostname;
    this.#subjectAltNames = tls.subjectAltNames;
    this.context = createSecureContext({
      minVersion: 'TLSv1.2',
      ...(tls.trust.type === 'pem' ? { ca: tls.trust.certificates } : {}),
    });
  }

  /**
   * Says what is wrong with the names of a certificate whose chain is trusted: it must be for the hostname, or, where
   * subject alternative names are given, carry one of those. A common name counts for nothing (RFC 9525).
   */
  readonly checkNames = (_host: string, peer: PeerCertificate): Error | undefined => {
    const certificate = new X509Certificate(peer.raw);
    const wanted: readonly SubjectAltName[] =
      this.#subjectAltNames.length > 0 ? this.#subjectAltNames : [{ type: 'hostname', value: this.hostname }];
    if (wanted.some((name) => carries(certificate, peer, name))) return undefined;
    return new Error(`the certificate is not for ${wanted.map(({ value }) => value).join(' or ')}`);
  };
}

function carries(certificate: X509Certificate, peer: PeerCertificate, { type, value }: SubjectAltName): boolean {
  switch (type) {
    case 'hostname':
      return certificate.checkHost(value, { subject: 'never' }) !== undefined;
    case 'uri':
      return uriNames(peer.subjectaltname ?? '').includes(value);
  }
}

/** The URIs of `subjectAltName` as Node prints it: `DNS:a, URI:b`; those with a comma in them are JSON strings. */
function uriNames(text: string): string[] {
  const names: string[] = [];
  for (const [, quoted, plain] of text.matchAll(/(?:^|, )URI:(?:("(?:[^"\\]|\\.)*")|([^,"]*))(?=, |$)/g)) {
    names.push(quoted === undefined ? (plain ?? '') : String(JSON.parse(quoted)));
  }
  return names;
}

/** The settings of a worker's backends; the same object of the configuration always gives the same settings. */
export class Originations {
  readonly #made = new WeakMap<BackendTls, OriginationSettings>();
  readonly #numbers = new WeakMap<BackendTls, number>();
  #lastNumber = 0;

  /** Throws where the certificates of the setting cannot be used. */
  settingsOf(tls: Extract<BackendTls, { type: 'originate' }>): OriginationSettings {
    let settings = this.#made.get(tls);
    if (settings === undefined) {
      settings = new OriginationSettings(tls);
      this.#made.set(tls, settings);
    }
    return settings;
  }

  /** Tells settings apart: what was connected by another one is used for no new request. */
  numberOf(tls: BackendTls): number {
    let number = this.#numbers.get(tls);
    if (number === undefined) {
      number = ++this.#lastNumber;
      this.#numbers.set(tls, number);
    }
    return number;
  }
}

/** What a channel with TLS is made with. */
export interface OriginationOptions {
  readonly settings: OriginationSettings;
  readonly inner: InnerProtocol;
  readonly ticker: Ticker;
  /** Told why the application's certificate, or its protocol, was not accepted. */
  onRefused(why: string): void;
}

/** Joins a Unix socket, on whose other end TLS is spoken, to the channel that carries what comes out. */
class CarrierBridge implements ChannelOwner {
  readonly #socket: Socket;
  readonly #carrier: ByteChannel;
  readonly #onBroken: (failure: ChannelFailure) => void;

  constructor(socket: Socket, carrier: ByteChannel, onBroken: (failure: ChannelFailure) => void) {
    this.#socket = socket;
    this.#carrier = carrier;
    this.#onBroken = onBroken;
    carrier.owner = this;
    socket.on('error', ignore);
    socket.on('data', (chunk: Buffer) => {
      if (!carrier.write(chunk, 0, chunk.length)) socket.pause();
    });
    socket.on('end', () => carrier.end());
    socket.on('drain', () => carrier.resume());
  }

  onOpen(): void {}

  onData(_carrier: ByteChannel, chunk: Buffer, start: number, end: number): void {
    const whole = start === 0 && end === chunk.length;
    if (!this.#socket.write(whole ? chunk : chunk.subarray(start, end))) this.#carrier.pause();
  }

  onEnd(): void {
    this.#socket.end();
  }

  onWritable(): void {
    this.#socket.resume();
  }

  onClosed(_carrier: ByteChannel, failure: ChannelFailure | undefined): void {
    if (failure === undefined) return;
    this.#onBroken(failure);
    this.#socket.destroy();
  }

  /** Breaks the channel; the TLS side sees its socket close. */
  reset(): void {
    this.#carrier.reset();
    this.#socket.destroy();
  }
}

/**
 * TLS to an application, spoken inside another channel (a tunnel's stream, or a plain connection): opens when the
 * application has shown a certificate that the policy asks for, and fails as `backend-tls` when it has not.
 *
 * Node's TLS wants a real socket, so there is a pair of them between the TLS and the channel.
 */
export class OriginatedChannel implements ByteChannel, ChannelOwner, Deadline {
  tickerSlot = -1;
  owner: ChannelOwner;
  deadlineMs: number;
  readonly #options: OriginationOptions;
  #carrier: ByteChannel | undefined;
  #bridge: CarrierBridge | undefined;
  #secure: TLSSocket | undefined;
  #state: 'connecting' | 'handshake' | 'open' | 'closed' = 'connecting';
  #kept: Buffer[] = [];
  #endKept = false;
  #ended = false;
  #peerEnded = false;
  #broken: ChannelFailure | undefined;

  /** `connect` opens the channel below with the owner that it is given. */
  constructor(owner: ChannelOwner, options: OriginationOptions, connect: (owner: ChannelOwner) => ByteChannel) {
    this.owner = owner;
    this.#options = options;
    // Until the application has accepted, the channel below has its own deadline.
    this.deadlineMs = Number.POSITIVE_INFINITY;
    this.#carrier = connect(this);
  }

  get retiring(): boolean {
    return this.#carrier?.retiring ?? false;
  }

  write(chunk: Buffer, start: number, end: number): boolean {
    const bytes = start === 0 && end === chunk.length ? chunk : chunk.subarray(start, end);
    if (this.#state === 'open' && this.#secure !== undefined) return this.#secure.write(bytes);
    this.#kept.push(bytes);
    return false;
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#state === 'open') this.#secure?.end();
    else this.#endKept = true;
  }

  reset(): void {
    this.owner = nobody;
    this.#close();
  }

  pause(): void {
    this.#secure?.pause();
  }

  resume(): void {
    if (this.#state === 'open') this.#secure?.resume();
  }

  // The channel below, until it is open.

  onOpen(carrier: ByteChannel): void {
    let pair: readonly [number, number];
    try {
      pair = openSocketPair();
    } catch {
      this.#fail('connect-failed');
      return;
    }
    this.#state = 'handshake';
    const { settings, inner, ticker } = this.#options;
    this.deadlineMs = ticker.nowMs + handshakeTimeoutMs;
    ticker.add(this);
    const [ours, theirs] = pair.map((fd) => new Socket({ fd, allowHalfOpen: true })) as [Socket, Socket];
    ours.on('error', ignore);
    this.#bridge = new CarrierBridge(theirs, carrier, (failure) => (this.#broken ??= failure));
    const secure = connectTls({
      socket: ours,
      secureContext: settings.context,
      servername: settings.hostname,
      ALPNProtocols: inner === 'bytes' ? [] : [inner],
      rejectUnauthorized: true,
      checkServerIdentity: settings.checkNames,
    });
    this.#secure = secure;
    secure.on('error', (error) => this.#onTlsError(error));
    secure.on('close', () => this.#onTlsClosed());
    secure.once('secureConnect', () => this.#onSecure(secure));
  }

  onData(): void {}
  onEnd(): void {}
  onWritable(): void {}

  onClosed(_carrier: ByteChannel, failure: ChannelFailure | undefined): void {
    this.#fail(failure ?? 'connect-failed');
  }

  /** The handshake takes too long. */
  onDeadline(): void {
    if (this.#state === 'handshake') this.#refuse(`no TLS handshake within ${handshakeTimeoutMs / 1_000} s`);
  }

  #onSecure(secure: TLSSocket): void {
    if (this.#state !== 'handshake') return;
    const { inner, ticker } = this.#options;
    // A server without ALPN speaks HTTP/1.1 as ever, but that it speaks HTTP/2 must be said (RFC 9113 section 3.2).
    if (inner === 'h2' && secure.alpnProtocol !== 'h2') {
      this.#refuse('the application does not offer HTTP/2 (ALPN h2)');
      return;
    }
    ticker.remove(this);
    this.#state = 'open';
    const kept = this.#kept;
    this.#kept = [];
    for (const chunk of kept) secure.write(chunk);
    if (this.#endKept) secure.end();
    secure.on('data', (chunk: Buffer) => this.owner.onData(this, chunk, 0, chunk.length));
    secure.on('end', () => {
      this.#peerEnded = true;
      this.owner.onEnd(this);
    });
    secure.on('drain', () => this.owner.onWritable(this));
    this.owner.onOpen(this);
    if (kept.length > 0) this.owner.onWritable(this);
  }

  #onTlsError(error: Error): void {
    if (this.#state === 'handshake') this.#refuse(error.message);
    else this.#broken ??= 'reset';
  }

  #onTlsClosed(): void {
    if (this.#state === 'closed') return;
    if (this.#state === 'handshake') {
      this.#refuse('the application closed the connection during the TLS handshake');
      return;
    }
    const whole = this.#ended && this.#peerEnded;
    this.#fail(this.#broken ?? (whole ? undefined : 'reset'));
  }

  #refuse(why: string): void {
    if (this.#state === 'closed') return;
    this.#options.onRefused(why);
    this.#fail('backend-tls');
  }

  #fail(failure: ChannelFailure | undefined): void {
    if (this.#state === 'closed') return;
    const { owner } = this;
    this.owner = nobody;
    // After a good end what is on its way to the application still gets there.
    if (failure === undefined) this.#state = 'closed';
    else this.#close();
    owner.onClosed(this, failure);
  }

  #close(): void {
    const before = this.#state;
    if (before === 'closed') return;
    this.#state = 'closed';
    this.#kept = [];
    this.#options.ticker.remove(this);
    this.#secure?.destroy();
    if (before === 'connecting') this.#carrier?.reset();
    else this.#bridge?.reset();
    this.#carrier = undefined;
  }
}

function ignore(): void {
  // What a broken socket means is told by its 'close'.
}
