import { isDeepStrictEqual } from 'node:util';
import type { CertificateClient, CertificateSigner, SignedChain, SigningRequest } from '@tulle/identity';
import type { ExternalAuthority } from '@tulle/ir';

/** What a {@link MeshSigner} is made from. */
export interface MeshSignerOptions {
  /** Asks the controller. */
  readonly controller: CertificateClient;
  /** Makes what asks an authority that is not the controller. */
  readonly external: (authority: ExternalAuthority) => CertificateClient;
}

/** Has certificates signed by whom the mesh says: the controller, or another authority. */
export class MeshSigner implements CertificateSigner, Disposable {
  readonly #options: MeshSignerOptions;
  #external: { readonly authority: ExternalAuthority; readonly client: CertificateClient } | undefined;

  constructor(options: MeshSignerOptions) {
    this.#options = options;
  }

  /** Follows the mesh's settings; tells whether it is another authority than before. */
  follow(authority: ExternalAuthority | undefined): boolean {
    if (isDeepStrictEqual(authority, this.#external?.authority)) return false;
    this.#external?.client.close();
    this.#external = authority === undefined ? undefined : { authority, client: this.#options.external(authority) };
    return true;
  }

  sign(request: SigningRequest): Promise<SignedChain> {
    return (this.#external?.client ?? this.#options.controller).sign(request);
  }

  close(): void {
    this.#external?.client.close();
    this.#options.controller.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
