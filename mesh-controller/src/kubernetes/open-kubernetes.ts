import { TokenReviewAuthenticator, tokenOrCertificate } from '@tulle/ca';
import type { Clock, Logger } from '@tulle/core';
import { KubernetesClient } from '@tulle/kubernetes';
import { controllerName } from '@tulle/translate';
import type { ControllerOptions } from '../controller.ts';
import { StoreTranslator } from '../pipeline/store-translator.ts';
import type { Platform, PlatformParts } from '../platform.ts';
import { KubernetesControl } from './kubernetes-control.ts';
import { KubernetesSource } from './kubernetes-source.ts';
import { SecretAuthority } from './secret-authority.ts';
import { sessionKeyOfSecret } from './session-key-secret.ts';
import { publishTrustBundle, readTrustBundle, trustBundleName } from './trust-bundles.ts';
import { withdrawn } from './withdrawal.ts';

/** What {@link openKubernetes} is told. */
export interface KubernetesOptions {
  /** A kubeconfig; the pod's own service account if there is none. */
  readonly kubeconfig?: string;
  readonly systemNamespace: string;
  readonly trustDomain: string;
  /** How long a workload certificate lives at most. */
  readonly certificateLifetimeMs: number;
  readonly tokenAudiences: readonly string[];
  readonly agentServiceAccounts: readonly string[];
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * What a controller in Kubernetes is made from: objects by watches, the authority's root in the Secret `tulle-ca`, agents
 * known by their service-account tokens. Publishes the trust bundle that agents mount. Throws when the API server does not
 * answer or refuses: whoever started the process starts it anew.
 */
export async function openKubernetes(
  options: KubernetesOptions,
): Promise<Pick<ControllerOptions, 'source' | 'platform' | 'translate'>> {
  const { certificateLifetimeMs, clock, kubeconfig, logger, systemNamespace, trustDomain } = options;
  const client = KubernetesClient.load(kubeconfig === undefined ? {} : { kubeconfig });
  const secret = { namespace: systemNamespace, name: 'tulle-ca' };
  const bundle = { namespace: systemNamespace, name: trustBundleName };
  const rememberedPem = await readTrustBundle(client, bundle);
  const authority = await SecretAuthority.open({
    client,
    secret,
    authority: { clock, trustDomain, maxValidityMs: certificateLifetimeMs, defaultValidityMs: certificateLifetimeMs },
    ...(rememberedPem === undefined ? {} : { rememberedPem }),
    logger,
  });
  // Agents wait for it to be there, whoever leads.
  await publishTrustBundle(client, bundle, authority.trustBundle.pem);
  const sessionSecret = { namespace: systemNamespace, name: 'tulle-session-key' };
  const sessionKey = await sessionKeyOfSecret(client, sessionSecret, logger);
  const source = new KubernetesSource({ client, clock, logger });
  const platform = ({ store, snapshot }: PlatformParts): Platform => {
    const tokens = new TokenReviewAuthenticator({
      client,
      nodeOfPod: ({ namespace, name, uid }) => {
        const pod = store.get('Pod', namespace, name);
        return pod?.metadata.uid === uid ? pod.spec.nodeName : undefined;
      },
      audiences: options.tokenAudiences,
      agentServiceAccounts: options.agentServiceAccounts,
      trustDomain,
      clock,
      logger,
    });
    const control = new KubernetesControl({
      client,
      source,
      store,
      snapshot,
      systemNamespace,
      controllerName,
      authority,
      trustDomain,
      clock,
      logger,
    });
    return {
      authority,
      rotation: authority,
      ...(sessionKey === undefined ? {} : { sessionKey }),
      authenticate: tokenOrCertificate((token) => tokens.authenticate(token), { clock, trustDomain }),
      authenticateNode: (token) => tokens.authenticateNode(token),
      tokenNodes: () => [],
      start: () => {
        authority.start();
        control.start();
      },
      changed: (state) => control.changed(state),
      report: (report) => control.report(report),
      close: async () => {
        await control.close();
        await authority.close();
        await client.close();
      },
    };
  };
  // Secrets other than our own are nobody's business here; the role does not allow to read them.
  const translator = new StoreTranslator({ readsSecrets: false });
  return {
    source,
    platform,
    translate: (store, settings, nowMs) =>
      withdrawn(translator.translate(store, settings, nowMs), store, systemNamespace),
  };
}
