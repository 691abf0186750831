/** A rule of a Role or ClusterRole. */
export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

/** What the API server wrote down of one request (audit.k8s.io/v1). */
export interface AuditEvent {
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly objectRef?: {
    readonly apiGroup?: string;
    readonly resource?: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
  };
  readonly responseStatus?: { readonly code?: number };
}

/** One thing that a rule allows: `patch httproutes/status`. */
export interface Permission {
  readonly verb: string;
  readonly resource: string;
  readonly used: boolean;
}

/** What the rules allow, each with whether a request made use of it. */
export function permissionsOf(rules: readonly Rule[], events: readonly AuditEvent[]): Permission[] {
  return rules.flatMap(({ apiGroups, resourceNames, resources, verbs }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((resource) =>
        verbs.map((verb) => ({
          verb,
          resource: `${resource}${group === '' ? '' : `.${group}`}${resourceNames ? ` ${resourceNames.join(' ')}` : ''}`,
          used: events.some((event) => verbsOf(event).includes(verb) && isOf(event, group, resource, resourceNames)),
        })),
      ),
    ),
  );
}

/** Requests that were refused for want of a permission, a line each. */
export function refusals(events: readonly AuditEvent[]): string[] {
  const refused = events.filter(({ responseStatus }) => responseStatus?.code === 403);
  return [
    ...new Set(refused.map(({ verb, objectRef = {} }) => `${verb} ${objectRef.resource} ${objectRef.name ?? ''}`)),
  ];
}

/** An apply that makes an object needs both. */
function verbsOf({ responseStatus, verb }: AuditEvent): string[] {
  return verb === 'patch' && responseStatus?.code === 201 ? ['patch', 'create'] : [verb];
}

function isOf({ objectRef = {} }: AuditEvent, group: string, resource: string, names?: readonly string[]): boolean {
  const { apiGroup = '', name, subresource } = objectRef;
  const asked = `${objectRef.resource}${subresource === undefined ? '' : `/${subresource}`}`;
  return apiGroup === group && asked === resource && (names === undefined || names.includes(name ?? ''));
}
