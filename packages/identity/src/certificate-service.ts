import { fileURLToPath } from 'node:url';
import { loadSync, type Options } from '@grpc/proto-loader';
import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';

const loaderOptions: Options = { longs: Number, enums: String, defaults: true, arrays: true, oneofs: true };

/** A request to sign, as it goes over the wire. */
export interface CreateCertificateRequest {
  readonly csr: string;
  /** Seconds; 0 leaves it to the authority. */
  readonly validityDuration: number;
  readonly metadata: { readonly fields: Readonly<Record<string, { readonly stringValue?: string }>> } | null;
}

/** The answer: PEM certificates, leaf first, root last. */
export interface CreateCertificateResponse {
  readonly certChain: readonly string[];
}

/** The metadata entry by which a node's agent names the identity that it asks for. */
export const impersonatedIdentityKey = 'ImpersonatedIdentity';

/** `istio.v1.auth.IstioCertificateService` as grpc-js wants it. */
export interface CertificateServiceDefinition extends ServiceDefinition {
  readonly CreateCertificate: MethodDefinition<CreateCertificateRequest, CreateCertificateResponse>;
}

/** Loads the service's definition from its .proto file, for a client or a server to use. */
export function loadCertificateService(): CertificateServiceDefinition {
  const file = fileURLToPath(new URL('istio-ca.proto', import.meta.url));
  const service: object | undefined = loadSync(file, loaderOptions)['istio.v1.auth.IstioCertificateService'];
  return service as CertificateServiceDefinition;
}
