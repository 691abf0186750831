import type { GoTypes } from './go-names.ts';

/** The names of the types in our own kinds; those of their status are the Gateway API's. */
export const ownTypes: GoTypes = {
  AuthorizationPolicy: { spec: 'AuthorizationPolicySpec', status: 'PolicyStatus' },
  AuthorizationPolicySpec: {
    targetRefs: 'PodTargetReference',
    action: 'AuthorizationPolicyAction',
    enforcementLevel: 'EnforcementLevel',
    rules: 'AuthorizationRule',
  },
  PodTargetReference: { group: 'string', kind: 'string', selector: 'LabelSelector' },
  AuthorizationRule: { sources: 'AuthorizationSource', networkAttributes: 'AuthorizationNetworkAttributes' },
  AuthorizationSource: { type: 'AuthorizationSourceType', serviceAccount: 'AuthorizationSourceServiceAccount' },
};
