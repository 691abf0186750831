import { X509Certificate } from 'node:crypto';
import { CodedError, err, errorMessage, ok, type Result } from '@tulle/core';
import { pemBlocks, toPem } from '@tulle/identity';
import type { IssuerPem } from './certificate-authority.ts';

/** What an issuer's files are called, in a Secret or in a directory. */
interface IssuerLayout {
  /** The issuer's certificate, perhaps with those above it. */
  readonly certificate: string;
  readonly key: string;
  /** Where the certificates above it are, the root among them; more roots there are trusted, too. */
  readonly above: readonly string[];
}

const layouts: readonly IssuerLayout[] = [
  // cert-manager, and the type kubernetes.io/tls.
  { certificate: 'tls.crt', key: 'tls.key', above: ['ca.crt'] },
  // Istio's `cacerts`.
  { certificate: 'ca-cert.pem', key: 'ca-key.pem', above: ['cert-chain.pem', 'root-cert.pem'] },
];

/** Every name that a file of an issuer may have. */
export const issuerFileNames: readonly string[] = layouts.flatMap(({ certificate, key, above }) => [
  certificate,
  key,
  ...above,
]);

/**
 * Reads an issuer that an operator gives, in the layout of cert-manager (`tls.crt`, `tls.key`, `ca.crt`) or of Istio
 * (`ca-cert.pem`, `ca-key.pem`, `cert-chain.pem`, `root-cert.pem`), by what is there. Error codes: `issuer-incomplete`,
 * `ca-certificate-invalid`.
 */
export function readIssuer(file: (name: string) => string | undefined): Result<IssuerPem, CodedError> {
  for (const { certificate, key, above } of layouts) {
    const [certificatePem, keyPem] = [file(certificate), file(key)];
    if (certificatePem === undefined && keyPem === undefined) continue;
    if (certificatePem === undefined || keyPem === undefined) {
      return err(new CodedError('issuer-incomplete', `${keyPem === undefined ? key : certificate} is missing`));
    }
    return assemble(certificatePem, keyPem, above.map((name) => file(name) ?? '').join('\n'));
  }
  const expected = layouts.map(({ certificate, key }) => `${certificate} and ${key}`).join(', or ');
  return err(new CodedError('issuer-incomplete', `expected ${expected}`));
}

/** Puts the certificates above the issuer into their order, up to the root. */
function assemble(certificatePem: string, keyPem: string, abovePem: string): Result<IssuerPem, CodedError> {
  const own = certificates(certificatePem);
  const above = certificates(abovePem);
  if (!own.ok) return own;
  if (!above.ok) return above;
  const [issuer] = own.value;
  if (issuer === undefined) return invalid('there is no certificate of the issuer');
  const pool = [...own.value.slice(1), ...above.value];
  const chain = [issuer];
  for (let top = issuer; !isRoot(top);) {
    const next = pool.find((one) => !chain.includes(one) && top.checkIssued(one) && top.verify(one.publicKey));
    if (next === undefined) return invalid(`the certificate that signed "${nameOf(top)}" is missing`);
    chain.push(next);
    top = next;
  }
  const roots = pool.filter(isRoot);
  return ok({
    certificatePem: pem(chain),
    keyPem,
    ...(roots.length === 0 ? {} : { bundlePem: pem(roots) }),
  });
}

function certificates(text: string): Result<X509Certificate[], CodedError> {
  const blocks = pemBlocks(text, 'CERTIFICATE');
  if (!blocks.ok) return invalid(blocks.error.message);
  try {
    return ok(blocks.value.map((der) => new X509Certificate(der)));
  } catch (cause) {
    return invalid(`a certificate cannot be read: ${errorMessage(cause)}`);
  }
}

function isRoot(certificate: X509Certificate): boolean {
  return certificate.checkIssued(certificate);
}

function nameOf(certificate: X509Certificate): string {
  // Node gives no subject at all where it is empty.
  const subject: string | undefined = certificate.subject;
  return (subject ?? '').replaceAll('\n', ', ');
}

function pem(chain: readonly X509Certificate[]): string {
  return chain.map(({ raw }) => toPem(raw, 'CERTIFICATE')).join('');
}

function invalid(problem: string): Result<never, CodedError> {
  return err(new CodedError('ca-certificate-invalid', `the issuer that was given cannot be used: ${problem}`));
}
