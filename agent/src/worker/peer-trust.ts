import { X509Certificate } from 'node:crypto';
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';
import type { SpiffeId } from '@tulle/identity/peer';
import type { MeshTrust } from '@tulle/ir';

const pemBlock = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
/** More than any chain of ours has. */
const maxChain = 8;

/**
 * Which identities the roots of which trust domain may vouch for. TLS verifies a client against the roots of all domains
 * together; that its chain ends in a root of its own domain is decided here, or a federated domain could name our own.
 */
export class PeerTrust {
  readonly #trustDomain: string;
  /** By trust domain; undefined where no other domain is federated, and TLS has said all there is to say. */
  readonly #roots: ReadonlyMap<string, readonly X509Certificate[]> | undefined;

  constructor(trustDomain: string, trust: MeshTrust | undefined) {
    this.#trustDomain = trustDomain;
    const { federated = [], rootsPem } = trust ?? {};
    if (federated.length === 0 || rootsPem === undefined) return;
    const roots = new Map(federated.map((domain) => [domain.trustDomain, certificates(domain.rootsPem)]));
    roots.set(trustDomain, certificates(rootsPem));
    this.#roots = roots;
  }

  /** Whether the identity that the peer's verified certificate names is of a domain whose own roots vouch for it. */
  admits(peer: Pick<TLSSocket, 'getPeerCertificate'>, { trustDomain }: SpiffeId): boolean {
    if (this.#roots === undefined) return trustDomain === this.#trustDomain;
    const roots = this.#roots.get(trustDomain);
    return roots !== undefined && chainsTo(peer.getPeerCertificate(true), roots);
  }
}

/** Whether signatures lead from a leaf, by the certificates that came with it, to one of the roots. */
function chainsTo(leaf: DetailedPeerCertificate, roots: readonly X509Certificate[]): boolean {
  let at: DetailedPeerCertificate | undefined = leaf;
  for (let depth = 0; at !== undefined && depth < maxChain; depth++) {
    const certificate = new X509Certificate(at.raw);
    if (roots.some((root) => certificate.checkIssued(root) && certificate.verify(root.publicKey))) return true;
    const above: DetailedPeerCertificate | undefined = at.issuerCertificate === at ? undefined : at.issuerCertificate;
    if (above === undefined || !certificate.verify(new X509Certificate(above.raw).publicKey)) return false;
    at = above;
  }
  return false;
}

function certificates(pem: string): X509Certificate[] {
  return (pem.match(pemBlock) ?? []).map((block) => new X509Certificate(block));
}
