import { X509Certificate } from 'node:crypto';
import type { LocalObjectReference } from '@tulle/gateway-api';
import type { PolicyLookup } from '../lookup.ts';

/** What became of a reference to CA certificates. */
export type CaOutcome =
  | { readonly type: 'pem'; readonly pem: string }
  | { readonly type: 'wrong'; readonly reason: 'InvalidCACertificateRef' | 'InvalidKind'; readonly message: string };

const pemBlock = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
/** More text than this is no bundle of CA certificates. */
const maxPemLength = 1024 * 1024;

/**
 * The CA certificates that a reference leads to: key `ca.crt` of a ConfigMap or Secret of the policy's own namespace, or
 * a ClusterTrustBundle. Where Secrets are not read, a reference to one is of an invalid kind. What stands beside the certificates in the text is left out.
 */
export function caCertificates(
  { group, kind, name }: LocalObjectReference,
  namespace: string,
  lookup: PolicyLookup,
): CaOutcome {
  const key = `${namespace}/${name}`;
  switch (`${kind}.${group}`) {
    case 'ConfigMap.': {
      const map = lookup.configMap(key);
      if (map === undefined) return wrong(`there is no ConfigMap "${name}" in namespace "${namespace}"`);
      return fromText(map.data?.['ca.crt'], `ConfigMap "${key}"`);
    }
    case 'Secret.': {
      if (!lookup.readsSecrets) {
        const message =
          `Secrets are not read here: put the CA certificates of Secret "${name}" into a ConfigMap, key "ca.crt", ` +
          'and refer to that';
        return { type: 'wrong', reason: 'InvalidKind', message };
      }
      const secret = lookup.secret(key);
      if (secret === undefined) return wrong(`there is no Secret "${name}" in namespace "${namespace}"`);
      const data = secret.data?.['ca.crt'];
      return fromText(data === undefined ? undefined : Buffer.from(data, 'base64').toString('utf8'), `Secret "${key}"`);
    }
    case 'ClusterTrustBundle.certificates.k8s.io': {
      const bundle = lookup.clusterTrustBundle(name);
      if (bundle === undefined) return wrong(`there is no ClusterTrustBundle "${name}"`);
      return fromPem(bundle.spec.trustBundle, `ClusterTrustBundle "${name}"`);
    }
    default: {
      const what = group === '' ? kind : `${kind} of ${group}`;
      const kinds = lookup.readsSecrets ? 'a ConfigMap, a Secret or' : 'a ConfigMap or';
      const message = `a ${what} cannot hold CA certificates, only ${kinds} a ClusterTrustBundle`;
      return { type: 'wrong', reason: 'InvalidKind', message };
    }
  }
}

function wrong(message: string): CaOutcome {
  return { type: 'wrong', reason: 'InvalidCACertificateRef', message };
}

function fromText(text: string | undefined, source: string): CaOutcome {
  return text === undefined ? wrong(`${source} has no key "ca.crt"`) : fromPem(text, `key "ca.crt" of ${source}`);
}

function fromPem(text: string, source: string): CaOutcome {
  if (text.length > maxPemLength) return wrong(`${source} is longer than ${maxPemLength} characters`);
  const blocks = text.match(pemBlock) ?? [];
  if (blocks.length === 0) return wrong(`${source} holds no certificate in PEM form`);
  for (const [i, block] of blocks.entries()) {
    try {
      new X509Certificate(block);
    } catch {
      return wrong(`certificate ${i + 1} in ${source} cannot be read`);
    }
  }
  return { type: 'pem', pem: `${blocks.join('\n')}\n` };
}
