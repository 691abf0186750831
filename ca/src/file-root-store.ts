import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, renameSync } from 'node:fs';
import { copyFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createPrivateKey } from 'node:crypto';
import { CodedError, errorMessage, type Clock } from '@tulle/core';
import { pemBlocks, privateKeyToPem, TrustBundle } from '@tulle/identity';
import { CertificateAuthority, type AuthorityOptions } from './certificate-authority.ts';
import { generateRootKey, selfSignedRoot } from './root.ts';
import type { RootStore } from './root-store.ts';

/** Where the replacement of a root stands: `prepared`, both are trusted; `switched`, the new one signs. */
export type RotationPhase = 'idle' | 'prepared' | 'switched';

/**
 * The root of the built-in authority in a directory: `root.key` (0600), `root.crt`, and `bundle.pem` with the roots that
 * clients should trust. Each file is written whole or not at all. While a root is replaced: `next.key` and `next.crt`
 * until the new one signs, from then on `previous.crt`.
 */
export class FileRootStore implements RootStore {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  get keyFile(): string {
    return join(this.directory, 'root.key');
  }

  get certificateFile(): string {
    return join(this.directory, 'root.crt');
  }

  /** What agents and other clients are given as their trust bundle. */
  get bundleFile(): string {
    return join(this.directory, 'bundle.pem');
  }

  /**
   * The authority of this directory; on first use its root is made. A bundle file that has other roots, too, keeps them.
   * Throws a {@link CodedError}: `ca-key-readable` (the key file's mode lets others read it), `ca-store` (the directory
   * cannot be read or written), or what {@link CertificateAuthority.load} throws.
   */
  open(options: AuthorityOptions): CertificateAuthority {
    try {
      mkdirSync(this.directory, { recursive: true, mode: 0o755 });
      this.#completeSwitch();
      if (!existsSync(this.keyFile)) this.#createOnce(this.keyFile, privateKeyToPem(generateRootKey()), 0o600);
      this.#refuseReadableKey();
      const keyPem = readFileSync(this.keyFile, 'utf8');
      const certificatePem = this.#certificate(keyPem, options.trustDomain, options.clock);
      const bundlePem = this.#bundle(certificatePem);
      return CertificateAuthority.load({ certificatePem, keyPem, bundlePem }, options);
    } catch (cause) {
      if (cause instanceof CodedError) throw cause;
      throw new CodedError('ca-store', `the authority's directory ${this.directory}: ${errorMessage(cause)}`);
    }
  }

  /** The bundle as it was published last. */
  readBundle(): string | undefined {
    return existsSync(this.bundleFile) ? readFileSync(this.bundleFile, 'utf8') : undefined;
  }

  /** Writes the bundle of an authority whose root is not kept here. */
  publishBundle(pem: string): void {
    mkdirSync(this.directory, { recursive: true, mode: 0o755 });
    if (this.readBundle() !== pem) renameSync(this.#temporary(pem, 0o644), this.bundleFile);
  }

  get phase(): RotationPhase {
    if (existsSync(this.#file('next.crt'))) return 'prepared';
    return existsSync(this.#file('previous.crt')) ? 'switched' : 'idle';
  }

  /** Takes a step of a rotation; {@link open} again afterwards. Throws a {@link CodedError} `ca-store`. */
  take(step: 'prepare' | 'switch' | 'finish' | 'abort', options: AuthorityOptions): void {
    try {
      switch (step) {
        case 'prepare':
          return this.#prepare(options);
        case 'switch':
          copyFileSync(this.certificateFile, this.#file('previous.crt'));
          renameSync(this.#file('next.key'), this.keyFile);
          return this.#completeSwitch();
        case 'finish':
          this.#distrust(readFileSync(this.#file('previous.crt'), 'utf8'));
          return rmSync(this.#file('previous.crt'));
        case 'abort':
          this.#distrust(readFileSync(this.#file('next.crt'), 'utf8'));
          rmSync(this.#file('next.crt'));
          return rmSync(this.#file('next.key'));
      }
    } catch (cause) {
      if (cause instanceof CodedError) throw cause;
      throw new CodedError('ca-store', `the authority's directory ${this.directory}: ${errorMessage(cause)}`);
    }
  }

  #prepare({ clock, trustDomain }: AuthorityOptions): void {
    const key = generateRootKey();
    const certificatePem = selfSignedRoot(key, trustDomain, clock.nowMs());
    const roots = TrustBundle.parse(`${readFileSync(this.bundleFile, 'utf8')}\n${certificatePem}`);
    if (!roots.ok) throw roots.error;
    rmSync(this.#file('next.key'), { force: true });
    this.#createOnce(this.#file('next.key'), privateKeyToPem(key), 0o600);
    renameSync(this.#temporary(roots.value.pem, 0o644), this.bundleFile);
    // The certificate comes last: it is what says that all of this is done.
    this.#createOnce(this.#file('next.crt'), certificatePem, 0o644);
  }

  /** A key without its certificate is what a process leaves that ends between the two renames of a switch. */
  #completeSwitch(): void {
    if (existsSync(this.#file('next.crt')) && !existsSync(this.#file('next.key'))) {
      renameSync(this.#file('next.crt'), this.certificateFile);
    }
  }

  /** Takes a root out of the bundle. */
  #distrust(certificatePem: string): void {
    const gone = TrustBundle.parse(certificatePem);
    const present = TrustBundle.parse(readFileSync(this.bundleFile, 'utf8'));
    if (!gone.ok) throw gone.error;
    if (!present.ok) throw present.error;
    const fingerprints = new Set(gone.value.roots.map((root) => root.fingerprint256));
    const kept = present.value.roots.filter((root) => !fingerprints.has(root.fingerprint256));
    const bundle = TrustBundle.ofDer(kept.map((root) => root.raw));
    if (!bundle.ok) throw bundle.error;
    renameSync(this.#temporary(bundle.value.pem, 0o644), this.bundleFile);
  }

  #file(name: string): string {
    return join(this.directory, name);
  }

  #refuseReadableKey(): void {
    const mode = statSync(this.keyFile).mode & 0o777;
    if ((mode & 0o077) === 0) return;
    const shown = mode.toString(8).padStart(4, '0');
    throw new CodedError('ca-key-readable', `${this.keyFile} may be read by others (mode ${shown})`, {
      hint: `chmod 600 ${this.keyFile}; if others may have read it, remove the directory so that a new root is made`,
    });
  }

  #certificate(keyPem: string, trustDomain: string, clock: Clock): string {
    if (!existsSync(this.certificateFile)) {
      const root = selfSignedRoot(createPrivateKey(keyPem), trustDomain, clock.nowMs());
      this.#createOnce(this.certificateFile, root, 0o644);
    }
    return readFileSync(this.certificateFile, 'utf8');
  }

  #bundle(certificatePem: string): string {
    const roots = pemBlocks(certificatePem, 'CERTIFICATE');
    const own = roots.ok ? TrustBundle.ofDer(roots.value.slice(-1)) : roots;
    if (!own.ok) throw own.error;
    const present = existsSync(this.bundleFile) ? readFileSync(this.bundleFile, 'utf8') : '';
    const kept = present.trim() === '' ? own : TrustBundle.parse(present);
    if (!kept.ok) throw new CodedError(kept.error.code, `${this.bundleFile}: ${kept.error.message}`);
    const { pem } = own.value.with(kept.value);
    if (pem !== present) {
      const temporary = this.#temporary(pem, 0o644);
      renameSync(temporary, this.bundleFile);
    }
    return pem;
  }

  /** Writes a file unless it is there: of two processes that begin at once, one makes it and both use it. */
  #createOnce(file: string, text: string, mode: number): void {
    const temporary = this.#temporary(text, mode);
    try {
      linkSync(temporary, file);
    } catch (cause) {
      if (!(cause instanceof Error && 'code' in cause && cause.code === 'EEXIST')) throw cause;
    } finally {
      rmSync(temporary);
    }
  }

  #temporary(text: string, mode: number): string {
    const path = join(this.directory, `.new-${randomBytes(6).toString('hex')}`);
    const fd = openSync(path, 'wx', mode);
    try {
      writeSync(fd, text);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    return path;
  }
}
