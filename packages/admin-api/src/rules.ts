/** How a string is compared; `regex` is RE2 syntax. */
export interface StringMatchView {
  readonly type: 'exact' | 'regex';
  readonly value: string;
}

/** What a request or connection must be like for a rule to apply. All parts must hold; without parts everything does. */
export interface MatchView {
  /** The match in words, as tables show it: `header x-team = qa`, or `everything`. */
  readonly text: string;
  readonly path?: { readonly type: 'exact' | 'prefix' | 'regex'; readonly value: string };
  readonly method?: string;
  readonly headers?: readonly { readonly name: string; readonly match: StringMatchView }[];
  readonly queryParams?: readonly { readonly name: string; readonly match: StringMatchView }[];
  /** Names of the TLS ClientHello: exact, or with a first label of `*`. */
  readonly serverNames?: readonly string[];
}

/** A backend of a rule and what it gets. */
export interface BackendView {
  /** `namespace/name` of the Service; absent when the reference is invalid. */
  readonly service?: string;
  readonly port?: number;
  readonly weight: number;
  /** The part of the rule's requests that it gets, 0 to 1. An invalid backend's part is answered with an error. */
  readonly share: number;
  readonly valid: boolean;
  /** Why it is invalid: the reason of the route's condition, and words. */
  readonly reason?: string;
  readonly message?: string;
  /** Its endpoints: how many there are and how many are ready. Absent when the Service is unknown. */
  readonly endpoints?: { readonly ready: number; readonly total: number };
}

/** One match and what happens to what it matches. */
export interface RuleView {
  /** Its place in the order of precedence, from 1: the first rule whose match holds decides. */
  readonly order: number;
  readonly match: MatchView;
  /** Where it comes from: the route as `Kind/namespace/name`, and the rule's index and name in it. */
  readonly route: string;
  readonly ruleIndex: number;
  readonly ruleName?: string;
  readonly backends: readonly BackendView[];
  /** Filters, timeouts, retries and session persistence, in words, one each. */
  readonly details: readonly string[];
  readonly requestTimeoutMs?: number;
  readonly backendRequestTimeoutMs?: number;
  readonly retry?: {
    readonly attempts: number;
    readonly codes: readonly number[];
    readonly connectionErrors: boolean;
    readonly backoffMs: number;
  };
}

/** Whose traffic to a port a list of rules decides about. */
export interface ClientsView {
  /** `namespace`: clients of that namespace only (a consumer route). `others`: every client of no consumer namespace. */
  readonly type: 'others' | 'namespace';
  /** The client namespace, for type `namespace`. */
  readonly namespace?: string;
  /** The namespaces with consumer routes of their own, for type `others`. */
  readonly exceptNamespaces?: readonly string[];
  /** In words: `every client, except those of namespace qa`. */
  readonly text: string;
}

/** The rules for one group of clients of one Service port, in the order of precedence. */
export interface RuleGroupView {
  /** The Service, `namespace/name`, and its port. */
  readonly service: string;
  readonly port: number;
  readonly protocol: 'http' | 'grpc' | 'tls' | 'tcp';
  readonly clients: ClientsView;
  readonly rules: readonly RuleView[];
}
