import type { BackendTLSPolicy } from '@tulle/gateway-api';
import type { BackendTls, SubjectAltName, TlsTrust } from '@tulle/ir';
import { keyOf } from '../input.ts';
import type { PolicyLookup } from '../lookup.ts';
import { caCertificates } from './ca-certificates.ts';
import { policyTargets } from './policy.ts';
import type { PolicyVerdict, TranslatedPolicy } from './policy.ts';

/** Which certificates a policy trusts, and what is wrong with it. */
interface Trust {
  readonly trust: TlsTrust | undefined;
  readonly refusal: TranslatedPolicy<BackendTls>['refusal'];
  readonly resolvedRefs: PolicyVerdict;
}

const maxMessageLength = 1000;

const allResolved: PolicyVerdict = {
  type: 'ResolvedRefs',
  status: 'True',
  reason: 'ResolvedRefs',
  message: 'every reference leads somewhere',
};

/**
 * Translates a BackendTLSPolicy. One that asks for what cannot be done makes connections fail: without it they would go
 * out in the clear, or to whom nobody vouched for.
 */
export function translateTlsPolicy(policy: BackendTLSPolicy, lookup: PolicyLookup): TranslatedPolicy<BackendTls> {
  const { trust, refusal, resolvedRefs } = trustOf(policy, lookup);
  const { hostname } = policy.spec.validation;
  return {
    policy,
    ...policyTargets(policy, policy.spec.targetRefs, lookup),
    // "Connections using an invalid CACertificateRef MUST fail", even if there are others.
    value:
      trust === undefined
        ? {
            type: 'invalid',
            message: shortened(`BackendTLSPolicy "${keyOf(policy)}": ${(refusal ?? resolvedRefs).message}`),
          }
        : { type: 'originate', hostname, subjectAltNames: subjectAltNames(policy), trust },
    refusal,
    verdicts: [resolvedRefs],
  };
}

/** The message as agents get it: they refuse resources with longer texts, and the status has all of it. */
function shortened(message: string): string {
  return message.length <= maxMessageLength ? message : `${message.slice(0, maxMessageLength - 1)}…`;
}

function trustOf(policy: BackendTLSPolicy, lookup: PolicyLookup): Trust {
  const { caCertificateRefs = [], wellKnownCACertificates: wellKnown } = policy.spec.validation;
  if (caCertificateRefs.length === 0) {
    if (wellKnown === 'System') return { trust: { type: 'system' }, refusal: undefined, resolvedRefs: allResolved };
    const message = `wellKnownCACertificates: "${wellKnown ?? ''}" is not known here, only "System"`;
    return { trust: undefined, refusal: { reason: 'Invalid', message }, resolvedRefs: allResolved };
  }
  const outcomes = caCertificateRefs.map((ref) => caCertificates(ref, policy.metadata.namespace, lookup));
  const wrong = outcomes.flatMap((outcome, i) =>
    outcome.type === 'wrong' ? [{ ...outcome, message: `caCertificateRefs[${i}]: ${outcome.message}` }] : [],
  );
  const [first] = wrong;
  if (first === undefined) {
    const certificates = outcomes.map((outcome) => (outcome.type === 'pem' ? outcome.pem : '')).join('');
    return { trust: { type: 'pem', certificates }, refusal: undefined, resolvedRefs: allResolved };
  }
  const message = wrong.map((one) => one.message).join('; ');
  return {
    trust: undefined,
    refusal: wrong.length === outcomes.length ? { reason: 'NoValidCACertificate', message } : undefined,
    resolvedRefs: { type: 'ResolvedRefs', status: 'False', reason: first.reason, message },
  };
}

function subjectAltNames(policy: BackendTLSPolicy): SubjectAltName[] {
  return (policy.spec.validation.subjectAltNames ?? []).map(({ type, hostname = '', uri = '' }) =>
    type === 'URI' ? { type: 'uri', value: uri } : { type: 'hostname', value: hostname },
  );
}
