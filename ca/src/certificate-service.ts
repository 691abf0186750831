import { X509Certificate } from 'node:crypto';
import { Metadata, status, type sendUnaryData, type Server, type ServerUnaryCall } from '@grpc/grpc-js';
import { CodedError, err, errorMessage, ok, type Clock, type Logger, type Result } from '@tulle/core';
import { bearerToken, impersonatedIdentityKey, loadCertificateService, SpiffeId } from '@tulle/identity';
import type { CreateCertificateRequest, CreateCertificateResponse } from '@tulle/identity';
import type { CertificateAuthority } from './certificate-authority.ts';
import { RateLimiter, type RateLimit } from './rate-limiter.ts';

/** Who asks for a certificate, as its token or its certificate proves: a node's agent, or a workload itself. */
export type Caller =
  | { readonly kind: 'node'; readonly node: string }
  | { readonly kind: 'workload'; readonly identity: SpiffeId; readonly by?: 'certificate' };

/**
 * Tells who a call comes from, by its bearer token, or by the certificate that TLS verified against our roots. The
 * error's message goes to the audit line, not to the caller.
 */
export type Authenticate = (
  token: string | undefined,
  certificate?: X509Certificate,
) => Result<Caller, CodedError> | Promise<Result<Caller, CodedError>>;

/** Tells whether a caller may have a certificate of an identity. The error's message goes to the caller, too. */
export type Authorize = (
  caller: Caller,
  wanted: SpiffeId,
) => Result<void, CodedError> | Promise<Result<void, CodedError>>;

/** One decision about one request. */
export interface AuditRecord {
  readonly decision: 'issued' | 'refused';
  /** `node/NAME` or the workload's identity; absent when the caller could not be told. */
  readonly caller?: string;
  readonly peer: string;
  /** The identity asked for, when it was one. */
  readonly identity?: string;
  /** The error's code; absent when issued. */
  readonly code?: string;
  readonly reason?: string;
  readonly serial?: string;
  readonly notAfter?: string;
}

/** What the certificate service is made from. */
export interface CertificateServiceOptions {
  readonly authority: Pick<CertificateAuthority, 'sign'>;
  readonly authenticate: Authenticate;
  readonly authorize: Authorize;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called with every decision, after it was logged. */
  readonly audit?: (record: AuditRecord) => void;
  /** For each caller; 50 a second and 500 at once by default (a node may have 250 pods, and restart). */
  readonly rateLimit?: RateLimit;
}

/** The gRPC status for each error code; what is not named here is the request's own fault. */
const statusOfCode: ReadonlyMap<string, status> = new Map([
  ['no-token', status.UNAUTHENTICATED],
  ['unknown-token', status.UNAUTHENTICATED],
  ['unauthenticated', status.UNAUTHENTICATED],
  ['not-allowed', status.PERMISSION_DENIED],
  ['foreign-trust-domain', status.PERMISSION_DENIED],
  ['rate-limited', status.RESOURCE_EXHAUSTED],
  ['ca-expired', status.FAILED_PRECONDITION],
  ['unavailable', status.UNAVAILABLE],
  ['internal', status.INTERNAL],
]);

/** Longer than any SPIFFE id. */
const maxIdentityLength = 2048;

/** What became known of a request until it was decided. */
interface Progress {
  caller?: Caller;
  identity?: SpiffeId;
}

/** Serves `istio.v1.auth.IstioCertificateService` on a gRPC server. */
export function registerCertificateService(server: Server, options: CertificateServiceOptions): void {
  const service = new CertificateService(options);
  server.addService(loadCertificateService(), {
    CreateCertificate: (
      call: ServerUnaryCall<CreateCertificateRequest, CreateCertificateResponse>,
      done: sendUnaryData<CreateCertificateResponse>,
    ) => void service.answer(call, done),
  });
}

class CertificateService {
  readonly #options: CertificateServiceOptions;
  readonly #limiter: RateLimiter;

  constructor(options: CertificateServiceOptions) {
    this.#options = options;
    this.#limiter = new RateLimiter(options.rateLimit ?? { perSecond: 50, burst: 500 }, options.clock);
  }

  async answer(
    call: ServerUnaryCall<CreateCertificateRequest, CreateCertificateResponse>,
    done: sendUnaryData<CreateCertificateResponse>,
  ): Promise<void> {
    const progress: Progress = {};
    const peer = call.getPeer();
    let outcome: Result<readonly string[], CodedError>;
    let issued: Pick<AuditRecord, 'serial' | 'notAfter'> = {};
    try {
      const signed = await this.#decide(call, progress);
      outcome = signed.ok ? ok(signed.value.chain) : signed;
      if (signed.ok)
        issued = { serial: signed.value.serial, notAfter: new Date(signed.value.notAfterMs).toISOString() };
    } catch (thrown) {
      outcome = err(new CodedError('internal', errorMessage(thrown)));
    }
    this.#record({ ...who(progress), ...issued, ...verdict(outcome), peer });
    if (outcome.ok) return done(null, { certChain: outcome.value });
    const code = statusOfCode.get(outcome.error.code) ?? status.INVALID_ARGUMENT;
    return done({ code, details: publicMessage(outcome.error, code), metadata: new Metadata() });
  }

  async #decide(call: ServerUnaryCall<CreateCertificateRequest, CreateCertificateResponse>, progress: Progress) {
    const { authority, authenticate, authorize } = this.#options;
    const caller = await authenticate(bearerToken(call.metadata), peerCertificate(call));
    if (!caller.ok) return caller;
    progress.caller = caller.value;
    if (!this.#limiter.take(callerName(caller.value))) {
      return err(new CodedError('rate-limited', 'too many signing requests; try again later'));
    }
    const { csr, validityDuration, metadata } = call.request;
    const identity = wantedIdentity(caller.value, metadata);
    if (!identity.ok) return identity;
    progress.identity = identity.value;
    const allowed = await authorize(caller.value, identity.value);
    if (!allowed.ok) return allowed;
    if (!Number.isFinite(validityDuration) || validityDuration < 0) {
      return err(new CodedError('invalid-validity', 'validity_duration must be 0 or a number of seconds'));
    }
    return authority.sign({ csrPem: csr, identity: identity.value, validityMs: validityDuration * 1000 });
  }

  #record(record: AuditRecord): void {
    const { logger, audit } = this.#options;
    if (record.decision === 'issued') logger.info('certificate issued', { audit: true, ...record });
    else logger.warn('certificate refused', { audit: true, ...record });
    audit?.(record);
  }
}

/** The certificate of a client that showed one which chains to our roots. */
function peerCertificate(call: ServerUnaryCall<unknown, unknown>): X509Certificate | undefined {
  const raw = call.getAuthContext().sslPeerCertificate?.raw;
  return raw === undefined ? undefined : new X509Certificate(raw);
}

function wantedIdentity(caller: Caller, metadata: CreateCertificateRequest['metadata']): Result<SpiffeId, CodedError> {
  const text = metadata?.fields[impersonatedIdentityKey]?.stringValue;
  if (text === undefined) {
    return caller.kind === 'workload'
      ? ok(caller.identity)
      : err(new CodedError('no-identity', `a node must name the identity in the metadata ${impersonatedIdentityKey}`));
  }
  if (text.length > maxIdentityLength) return err(new CodedError('invalid-spiffe-id', 'the identity is too long'));
  const id = SpiffeId.parse(text);
  if (!id.ok || id.value.workload !== undefined) return id;
  return err(new CodedError('invalid-spiffe-id', `${text} is not of the form spiffe://DOMAIN/ns/NAMESPACE/sa/NAME`));
}

/** A caller that is not known learns nothing of why; one that is known learns what to correct. */
function publicMessage(error: CodedError, code: status): string {
  if (code === status.UNAUTHENTICATED) return 'the bearer token is missing or not accepted';
  if (code === status.INTERNAL) return 'the certificate authority failed; its log says why';
  return error.message;
}

/** The name of a caller in audit lines. */
export function callerName(caller: Caller): string {
  return caller.kind === 'node' ? `node/${caller.node}` : caller.identity.text;
}

function who(progress: Progress): Pick<AuditRecord, 'caller' | 'identity'> {
  return {
    ...(progress.caller === undefined ? {} : { caller: callerName(progress.caller) }),
    ...(progress.identity === undefined ? {} : { identity: progress.identity.text }),
  };
}

function verdict(outcome: Result<unknown, CodedError>): Pick<AuditRecord, 'decision' | 'code' | 'reason'> {
  if (outcome.ok) return { decision: 'issued' };
  return { decision: 'refused', code: outcome.error.code, reason: outcome.error.message };
}
