import type { X509Certificate } from 'node:crypto';
import { CertificateAuthority, createRoot, GivenAuthority, readIssuer, startOfStep } from '@tulle/ca';
import type { AuthorityOptions, IssuerPem, RotatableAuthority, RotationPhase, RotationStep } from '@tulle/ca';
import { CodedError, errorMessage, type Logger } from '@tulle/core';
import type { TrustBundle } from '@tulle/identity';
import { isApiStatus, ObjectWatch, type KubernetesClient } from '@tulle/kubernetes';

/** Names an object in a namespace. */
export interface ObjectName {
  readonly namespace: string;
  readonly name: string;
}

/** What a {@link SecretAuthority} is made from. */
export interface SecretAuthorityOptions {
  readonly client: KubernetesClient;
  readonly secret: ObjectName;
  readonly authority: AuthorityOptions;
  /** The roots that were trusted before this process, PEM: those of an issuer that was replaced meanwhile stay trusted. */
  readonly rememberedPem?: string;
  readonly logger: Logger;
}

interface Secret {
  readonly metadata?: { readonly labels?: Readonly<Record<string, string>>; readonly resourceVersion?: string };
  readonly data?: Readonly<Record<string, string | undefined>>;
}
type Data = Readonly<Record<string, string | undefined>>;
type Active =
  | {
      readonly kind: 'own';
      readonly authority: CertificateAuthority;
      readonly phase: RotationPhase;
      readonly data: string;
    }
  | { readonly kind: 'given'; readonly authority: GivenAuthority; readonly data: string };

const ownLabel = 'app.kubernetes.io/part-of';
const secrets = { group: '', version: 'v1', kind: 'Secret', plural: 'secrets', namespaced: true } as const;

/**
 * The authority whose issuer is in a Secret that all controllers share and watch. Where there is none, a root is made: its
 * steps of a rotation are kept in the Secret, too (`next.crt` and `next.key`, then `previous.crt`), so every controller
 * stands where the others stand. A Secret that an operator gives, in the layout of cert-manager or of Istio, is taken as
 * it is, and again whenever it changes ({@link GivenAuthority}).
 */
export class SecretAuthority implements RotatableAuthority, AsyncDisposable {
  readonly #options: SecretAuthorityOptions;
  readonly #listeners = new Set<() => void>();
  #active: Active;
  #watch: ObjectWatch | undefined;

  private constructor(options: SecretAuthorityOptions, active: Active) {
    this.#options = options;
    this.#adopt(active);
    this.#active = active;
  }

  /** Throws an `ApiError`, a {@link CodedError} `ca-store`, or what {@link CertificateAuthority.load} throws. */
  static async open(options: SecretAuthorityOptions): Promise<SecretAuthority> {
    const secret = (await read(options)) ?? (await create(options));
    if (isOwn(secret)) return new SecretAuthority(options, own(decoded(secret), options));
    const authority = new GivenAuthority(given(secret, options), options.authority, options.rememberedPem);
    return new SecretAuthority(options, { kind: 'given', authority, data: dataOf(secret) });
  }

  /** Begins to follow the Secret. */
  start(): void {
    const { client, secret, logger, authority } = this.#options;
    const onObject = (object: object | undefined) => this.#seen(object);
    const { clock } = authority;
    this.#watch ??= new ObjectWatch({ client, resource: secrets, ...secret, onObject, clock, logger });
  }

  get trustBundle(): TrustBundle {
    return this.#active.authority.trustBundle;
  }

  get issuer(): X509Certificate {
    return this.#active.authority.issuer;
  }

  get phase(): RotationPhase {
    return this.#active.kind === 'own' ? this.#active.phase : this.#active.authority.phase;
  }

  get automatic(): boolean {
    return this.#active.kind === 'given';
  }

  sign(request: Parameters<CertificateAuthority['sign']>[0]): ReturnType<CertificateAuthority['sign']> {
    return this.#active.authority.sign(request);
  }

  issueServingCertificate(
    request: Parameters<CertificateAuthority['issueServingCertificate']>[0],
  ): ReturnType<CertificateAuthority['issueServingCertificate']> {
    return this.#active.authority.issueServingCertificate(request);
  }

  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** Rejects with a {@link CodedError}: `rotation-phase`, `rotation-given`, `rotation-conflict`; or an `ApiError`. */
  async take(step: RotationStep): Promise<void> {
    if (this.#active.kind === 'given') {
      this.#active.authority.take(step);
      return;
    }
    const { client, secret } = this.#options;
    const present = await read(this.#options);
    if (present === undefined || !isOwn(present)) {
      throw new CodedError('rotation-conflict', `the Secret ${secret.namespace}/${secret.name} is another one now`);
    }
    const before = own(decoded(present), this.#options);
    if (before.phase !== startOfStep[step]) {
      const turn = `"${step}" follows the phase "${startOfStep[step]}"; this is "${before.phase}"`;
      throw new CodedError('rotation-phase', turn);
    }
    const data = encoded(afterStep(decoded(present), step, this.#options.authority));
    try {
      const path = `/api/v1/namespaces/${secret.namespace}/secrets/${secret.name}`;
      this.#use(own(decoded((await client.replace(path, { ...present, data })) as Secret), this.#options));
    } catch (thrown) {
      if (!isApiStatus(thrown, 409)) throw thrown;
      throw new CodedError('rotation-conflict', 'another controller took a step at the same time', { cause: thrown });
    }
  }

  async close(): Promise<void> {
    await this.#watch?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The Secret is as it is now. One that cannot be used changes nothing. */
  #seen(object: object | undefined): void {
    const { logger, secret } = this.#options;
    try {
      if (object === undefined) throw new CodedError('ca-store', 'it is gone');
      const found = object as Secret;
      if (dataOf(found) === this.#active.data) return;
      if (isOwn(found)) this.#use(own(decoded(found), this.#options));
      else this.#offer(found);
    } catch (thrown) {
      logger.error("the authority's Secret cannot be used; what was there before is", {
        secret: `${secret.namespace}/${secret.name}`,
        error: errorMessage(thrown),
      });
    }
  }

  #offer(secret: Secret): void {
    const issuer = given(secret, this.#options);
    const data = dataOf(secret);
    if (this.#active.kind === 'given') {
      this.#active.authority.offer(issuer);
      this.#active = { ...this.#active, data };
      return;
    }
    // An operator's issuer in place of our own root: ours stays trusted until all certificates are of the other.
    const authority = new GivenAuthority(issuer, this.#options.authority, this.trustBundle.pem);
    this.#use({ kind: 'given', authority, data });
  }

  #use(active: Active): void {
    if (active.data === this.#active.data) return;
    this.#active = active;
    this.#adopt(active);
    this.#tell();
  }

  #adopt(active: Active): void {
    if (active.kind === 'given') active.authority.onChange(() => this.#tell());
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

function isOwn(secret: Secret): boolean {
  return secret.metadata?.labels?.[ownLabel] === 'tulle';
}

function own(data: Data, { authority, secret }: SecretAuthorityOptions): Extract<Active, { kind: 'own' }> {
  const { 'tls.crt': certificatePem, 'tls.key': keyPem } = data;
  if (certificatePem === undefined || keyPem === undefined) throw lacking(secret, 'tls.crt or tls.key');
  const others = [data['next.crt'], data['previous.crt'], data['ca.crt']].filter((pem) => pem !== undefined).join('\n');
  const issuer = { certificatePem, keyPem, ...(others === '' ? {} : { bundlePem: others }) };
  const phase = data['next.crt'] !== undefined ? 'prepared' : data['previous.crt'] !== undefined ? 'switched' : 'idle';
  return {
    kind: 'own',
    authority: CertificateAuthority.load(issuer, authority),
    phase,
    data: dataOf({ data: encoded(data) }),
  };
}

function given(secret: Secret, options: SecretAuthorityOptions): IssuerPem {
  const data = decoded(secret);
  const issuer = readIssuer((name) => data[name]);
  if (issuer.ok) return issuer.value;
  if (issuer.error.code === 'issuer-incomplete') throw lacking(options.secret, issuer.error.message);
  throw issuer.error;
}

/** The Secret's data once a step is taken. */
function afterStep(data: Data, step: RotationStep, options: AuthorityOptions): Data {
  const { 'next.crt': nextCrt, 'next.key': nextKey, 'previous.crt': _, ...rest } = data;
  switch (step) {
    case 'prepare': {
      const { certificatePem, keyPem } = createRoot(options);
      return { ...rest, 'next.crt': certificatePem, 'next.key': keyPem };
    }
    case 'switch':
      return { ...rest, 'tls.crt': nextCrt, 'tls.key': nextKey, 'previous.crt': rest['tls.crt'] };
    case 'finish':
    case 'abort':
      return rest;
  }
}

function lacking({ namespace, name }: ObjectName, what: string): CodedError {
  return new CodedError('ca-store', `the Secret ${namespace}/${name} lacks ${what}`, {
    hint: `put an issuer into it, or delete it so that a new root is made: kubectl -n ${namespace} delete secret ${name}`,
  });
}

async function read({ client, secret }: SecretAuthorityOptions): Promise<Secret | undefined> {
  try {
    return (await client.get(`/api/v1/namespaces/${secret.namespace}/secrets/${secret.name}`)) as Secret;
  } catch (thrown) {
    if (isApiStatus(thrown, 404)) return undefined;
    throw thrown;
  }
}

async function create(options: SecretAuthorityOptions): Promise<Secret> {
  const { namespace, name } = options.secret;
  const { certificatePem, keyPem } = createRoot(options.authority);
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/tls',
    metadata: { name, labels: { [ownLabel]: 'tulle' } },
    data: encoded({ 'tls.crt': certificatePem, 'tls.key': keyPem }),
  };
  try {
    return (await options.client.create(`/api/v1/namespaces/${namespace}/secrets`, secret)) as Secret;
  } catch (thrown) {
    if (!isApiStatus(thrown, 409)) throw thrown;
    // Another controller was faster: its root is everybody's.
    const made = await read(options);
    if (made === undefined)
      throw new CodedError('ca-store', `the Secret ${namespace}/${name} was deleted`, { cause: thrown });
    return made;
  }
}

function dataOf(secret: Secret): string {
  const byName = Object.entries(secret.data ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(byName);
}

function decoded(secret: Secret): Data {
  const entries = Object.entries(secret.data ?? {}).filter(([, value]) => value !== undefined && value !== '');
  return Object.fromEntries(entries.map(([key, value]) => [key, Buffer.from(value ?? '', 'base64').toString('utf8')]));
}

function encoded(data: Data): Record<string, string> {
  const entries = Object.entries(data).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries.map(([key, value]) => [key, Buffer.from(value ?? '').toString('base64')]));
}
