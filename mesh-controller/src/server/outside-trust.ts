import { CodedError, ok, type Clock, type Logger, type Result, type Timer } from '@tulle/core';
import { TrustBundle, WatchedFile } from '@tulle/identity';
import type { MeshSettings, MeshTrust } from '@tulle/ir';

/** An authority that signs in place of the controller, and the file with the roots that workloads then trust. */
export interface ExternalAuthorityOptions {
  /** `HOST:PORT`. */
  readonly address: string;
  /** The DNS name in its certificate. */
  readonly serverName: string;
  readonly bundleFile: string;
}

/** What {@link OutsideTrust} is made from. */
export interface OutsideTrustOptions {
  readonly external?: ExternalAuthorityOptions;
  readonly federated: readonly { readonly trustDomain: string; readonly bundleFile: string }[];
  readonly clock: Clock;
  readonly logger: Logger;
}

const lookEveryMs = 2000;
const maxBundleBytes = 1024 * 1024;

/** Whom the mesh trusts besides its own authority, by files that are watched. A file that cannot be used changes nothing. */
export class OutsideTrust implements Disposable {
  readonly #options: OutsideTrustOptions;
  readonly #files = new Map<string, { readonly file: WatchedFile<string>; pem: string }>();
  #timer: Timer | undefined;

  /** Throws a {@link CodedError} where a file cannot be used. */
  constructor(options: OutsideTrustOptions) {
    this.#options = options;
    for (const path of [options.external, ...options.federated].flatMap((one) => one?.bundleFile ?? [])) {
      const file = new WatchedFile(path, { maxBytes: maxBundleBytes, parse: rootsOf });
      const roots = file.read();
      if (!roots.ok) throw roots.error;
      this.#files.set(path, { file, pem: roots.value });
    }
  }

  /** Whether another authority than the controller signs. */
  get isExternal(): boolean {
    return this.#options.external !== undefined;
  }

  /** What agents are told, given what the controller's own authority would have them trust. */
  settings(own: MeshTrust): Pick<MeshSettings, 'trust' | 'certificateAuthority'> {
    const { external, federated } = this.#options;
    const others = federated.map(({ trustDomain, bundleFile }) => ({ trustDomain, rootsPem: this.#pem(bundleFile) }));
    const more = others.length === 0 ? {} : { federated: others };
    if (external === undefined) return { trust: { ...own, ...more } };
    const { address, serverName, bundleFile } = external;
    const rootsPem = this.#pem(bundleFile);
    return { trust: { rootsPem, signingRoot: '', ...more }, certificateAuthority: { address, serverName, rootsPem } };
  }

  /** Calls `onChange` after each change of a file that can be used. */
  watch(onChange: () => void): void {
    const { clock, logger } = this.#options;
    this.#timer = clock.after(lookEveryMs, () => {
      let changed = false;
      for (const known of this.#files.values()) {
        const roots = known.file.read();
        if (!roots.ok)
          logger.error('a trust bundle cannot be used; the one before stays', { error: roots.error.message });
        else if (roots.value !== known.pem) {
          known.pem = roots.value;
          changed = true;
        }
      }
      if (changed) onChange();
      this.watch(onChange);
    });
  }

  close(): void {
    this.#timer?.cancel();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #pem(path: string): string {
    const known = this.#files.get(path);
    if (known === undefined) throw new CodedError('internal', `${path} was not read`);
    return known.pem;
  }
}

function rootsOf(pem: string): Result<string, CodedError> {
  const bundle = TrustBundle.parse(pem);
  return bundle.ok ? ok(bundle.value.pem) : bundle;
}
