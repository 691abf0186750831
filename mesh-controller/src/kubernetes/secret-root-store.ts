import { CertificateAuthority, createRoot, type AuthorityOptions, type IssuerPem, type RootStore } from '@tulle/ca';
import { CodedError } from '@tulle/core';
import { isApiStatus, type KubernetesClient } from '@tulle/kubernetes';

/** Where the root is kept. */
export interface SecretName {
  readonly namespace: string;
  readonly name: string;
}

interface Secret {
  readonly data?: Readonly<Record<string, string | undefined>>;
}

/**
 * The root of the built-in authority in a Secret of the type `kubernetes.io/tls`: `tls.crt` (issuer first, root last),
 * `tls.key`, and in `ca.crt` more roots to be trusted, if there are any. All controllers share it; the one that is first
 * makes it. An operator may put another issuer there before.
 */
export class SecretRootStore implements RootStore {
  readonly #client: KubernetesClient;
  readonly #secret: SecretName;

  constructor(client: KubernetesClient, secret: SecretName) {
    this.#client = client;
    this.#secret = secret;
  }

  /** Throws an `ApiError`, a {@link CodedError} `ca-store`, or what {@link CertificateAuthority.load} throws. */
  async open(options: AuthorityOptions): Promise<CertificateAuthority> {
    const { namespace, name } = this.#secret;
    const secret = (await this.#read()) ?? (await this.#create(options));
    const certificatePem = decode(secret, 'tls.crt');
    const keyPem = decode(secret, 'tls.key');
    if (certificatePem === undefined || keyPem === undefined) {
      throw new CodedError('ca-store', `the Secret ${namespace}/${name} lacks tls.crt or tls.key`, {
        hint: `put an issuer into it, or delete it so that a new root is made: kubectl -n ${namespace} delete secret ${name}`,
      });
    }
    const bundlePem = decode(secret, 'ca.crt');
    const issuer: IssuerPem = { certificatePem, keyPem, ...(bundlePem === undefined ? {} : { bundlePem }) };
    return CertificateAuthority.load(issuer, options);
  }

  async #read(): Promise<Secret | undefined> {
    const { namespace, name } = this.#secret;
    try {
      return (await this.#client.get(`/api/v1/namespaces/${namespace}/secrets/${name}`)) as Secret;
    } catch (thrown) {
      if (isApiStatus(thrown, 404)) return undefined;
      throw thrown;
    }
  }

  async #create(options: AuthorityOptions): Promise<Secret | undefined> {
    const { namespace, name } = this.#secret;
    const { certificatePem, keyPem } = createRoot(options);
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'kubernetes.io/tls',
      metadata: { name, labels: { 'app.kubernetes.io/part-of': 'tulle' } },
      data: { 'tls.crt': encode(certificatePem), 'tls.key': encode(keyPem) },
    };
    try {
      return (await this.#client.create(`/api/v1/namespaces/${namespace}/secrets`, secret)) as Secret;
    } catch (thrown) {
      // Another controller was faster: its root is everybody's.
      if (isApiStatus(thrown, 409)) return this.#read();
      throw thrown;
    }
  }
}

/** Makes the ConfigMap that agents mount hold the roots that they are to trust, under `bundle.pem`. */
export async function publishTrustBundle(
  client: KubernetesClient,
  configMap: SecretName,
  bundlePem: string,
): Promise<void> {
  const { namespace, name } = configMap;
  const body = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, labels: { 'app.kubernetes.io/part-of': 'tulle' } },
    data: { 'bundle.pem': bundlePem },
  };
  const collection = `/api/v1/namespaces/${namespace}/configmaps`;
  try {
    const present = (await client.get(`${collection}/${name}`)) as Secret;
    if (present.data?.['bundle.pem'] === bundlePem) return;
    await client.patch(`${collection}/${name}`, body, { type: 'merge' });
  } catch (thrown) {
    if (!isApiStatus(thrown, 404)) throw thrown;
    await client.create(collection, body).catch((refused: unknown) => {
      if (!isApiStatus(refused, 409)) throw refused;
    });
  }
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64');
}

function decode(secret: Secret | undefined, key: string): string | undefined {
  const value = secret?.data?.[key];
  return value === undefined || value === '' ? undefined : Buffer.from(value, 'base64').toString('utf8');
}
