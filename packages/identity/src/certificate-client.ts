import { Client, Metadata, type ChannelCredentials } from '@grpc/grpc-js';
import { CodedError, systemClock, type Clock } from '@tulle/core';
import { impersonatedIdentityKey, loadCertificateService } from './certificate-service.ts';
import type { CreateCertificateRequest, CreateCertificateResponse } from './certificate-service.ts';
import type { ControlPlaneCredentials } from './channel-credentials.ts';
import { pemBlocks } from './pem.ts';
import type { SpiffeId } from './spiffe-id.ts';
import type { TrustBundle } from './trust-bundle.ts';

/** What is asked of a certificate authority. */
export interface SigningRequest {
  readonly identity: SpiffeId;
  readonly csrPem: string;
  /** How long the certificate should be valid; the authority may make it less. */
  readonly validityMs: number;
}

/** What an authority answered, not yet checked. */
export interface SignedChain {
  /** DER, leaf first, root last. */
  readonly chain: readonly Buffer[];
  /** Roots that are trusted besides the chain's own. */
  readonly trusted?: TrustBundle;
}

/** Something that signs certificates for identities: a {@link CertificateClient}, or a stand-in in tests. */
export interface CertificateSigner {
  sign(request: SigningRequest): Promise<SignedChain>;
}

/** What a {@link CertificateClient} is made from. */
export interface CertificateClientOptions {
  /** `HOST:PORT` of the certificate service. */
  readonly address: string;
  readonly credentials: ControlPlaneCredentials;
  /** How long one call may take. */
  readonly deadlineMs?: number;
  readonly clock?: Clock;
}

const maxChainLength = 16;

/** A client of `istio.v1.auth.IstioCertificateService`. Connects when first needed and again when that fails. */
export class CertificateClient implements CertificateSigner, Disposable {
  readonly #options: CertificateClientOptions;
  readonly #method = loadCertificateService().CreateCertificate;
  #open: { readonly credentials: ChannelCredentials; readonly client: Client } | undefined;
  #closed = false;

  constructor(options: CertificateClientOptions) {
    this.#options = options;
  }

  /**
   * Asks for a certificate. Rejects with a {@link CodedError}: `ca-unavailable` (cannot be reached, or did not answer in
   * time; worth trying again), `ca-refused` (with the authority's own words), `ca-bad-answer`, or that of the
   * credentials' files.
   */
  async sign(request: SigningRequest): Promise<SignedChain> {
    if (this.#closed) throw new CodedError('ca-unavailable', 'the client of the certificate authority is closed');
    const { certChain } = await this.#call(this.#client(), {
      csr: request.csrPem,
      validityDuration: Math.ceil(request.validityMs / 1000),
      metadata: { fields: { [impersonatedIdentityKey]: { stringValue: request.identity.text } } },
    });
    const blocks = pemBlocks(certChain.join('\n'), 'CERTIFICATE');
    if (!blocks.ok) throw new CodedError('ca-bad-answer', `the authority's answer: ${blocks.error.message}`);
    if (blocks.value.length < 2 || blocks.value.length > maxChainLength) {
      throw new CodedError('ca-bad-answer', `the authority answered ${blocks.value.length} certificates`);
    }
    return { chain: blocks.value, trusted: this.#options.credentials.trustBundle() };
  }

  /** Closes the connection; calls under way are rejected. */
  close(): void {
    this.#closed = true;
    this.#open?.client.close();
    this.#open = undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #client(): Client {
    const credentials = this.#options.credentials.channel();
    if (this.#open?.credentials === credentials) return this.#open.client;
    this.#open?.client.close();
    const client = new Client(this.#options.address, credentials, {
      ...this.#options.credentials.channelOptions(),
      'grpc.use_local_subchannel_pool': 1,
      'grpc.enable_retries': 0,
      'grpc.initial_reconnect_backoff_ms': 500,
      'grpc.max_reconnect_backoff_ms': 5000,
      'grpc.keepalive_time_ms': 20_000,
      'grpc.keepalive_timeout_ms': 10_000,
    });
    this.#open = { credentials, client };
    return client;
  }

  #call(client: Client, request: CreateCertificateRequest): Promise<CreateCertificateResponse> {
    const { path, requestSerialize, responseDeserialize } = this.#method;
    const deadlineMs = this.#options.deadlineMs ?? 10_000;
    const clock = this.#options.clock ?? systemClock;
    return new Promise((resolve, reject) => {
      const call = client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        new Metadata(),
        (error, response) => {
          timer.cancel();
          if (error !== null) reject(clientError(this.#options.address, error.code, error.details));
          else if (response === undefined) reject(new CodedError('ca-bad-answer', 'the authority answered nothing'));
          else resolve(response);
        },
      );
      const timer = clock.after(deadlineMs, () => call.cancel());
    });
  }
}

/** gRPC codes that mean that the same request may succeed later. */
const transientCodes: ReadonlySet<number> = new Set([1, 4, 8, 10, 13, 14]);

function clientError(address: string, code: number, details: string): CodedError {
  if (transientCodes.has(code)) {
    const what = code === 1 ? 'did not answer in time' : `is unavailable: ${details}`;
    return new CodedError('ca-unavailable', `the certificate authority at ${address} ${what}`);
  }
  const hint = "check the token file and the controller's --node-tokens directory";
  const message = `the certificate authority at ${address} refused: ${details}`;
  return new CodedError('ca-refused', message, code === 16 ? { hint } : {});
}
