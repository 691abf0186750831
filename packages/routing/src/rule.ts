import type { BackendTarget, HttpFilter, HttpRule, WeightedBackend } from '@tulle/ir';
import { CompiledCors } from './cors.ts';
import { compileHeaderEdits } from './header-edits.ts';
import type { HeaderEdits } from './header-edits.ts';
import { CompiledRedirect, compileRewrite } from './redirect.ts';
import type { CompiledRewrite } from './redirect.ts';
import { compileRetryPolicy } from './retry-policy.ts';
import type { CompiledRetryPolicy } from './retry-policy.ts';
import { Sampler } from './sampler.ts';
import { CompiledSession } from './session.ts';
import { WeightedShare } from './weighted-share.ts';

type MirrorFilter = Extract<HttpFilter, { type: 'mirror' }>;

/** The filters of one type, in their order. */
function filtersOf<T extends HttpFilter['type']>(
  filters: readonly HttpFilter[],
  type: T,
): Extract<HttpFilter, { type: T }>[] {
  return filters.filter((filter): filter is Extract<HttpFilter, { type: T }> => filter.type === type);
}

function modifiersOf(filters: readonly HttpFilter[], type: 'requestHeaders' | 'responseHeaders') {
  return compileHeaderEdits(filtersOf(filters, type).map((filter) => filter.modifier));
}

/** A RequestMirror filter: where copies of requests go, and which requests. */
export interface CompiledMirror {
  readonly target: BackendTarget;
  /** Whether this request is copied; to be asked once a request. */
  sample(): boolean;
}

/** What a rule remembers from request to request: its place among the weights and among each mirror's shares. */
export class RuleState {
  readonly share: WeightedShare;
  readonly mirrors: readonly Sampler[];
  /** By backend: the samplers of the mirrors in its own filters. */
  readonly backendMirrors: readonly (readonly Sampler[])[];

  /** Carries on from `previous`, the state of the same rule in the configuration before; else starts at random. */
  constructor(rule: HttpRule, previous: RuleState | undefined, random: () => number) {
    const weights = rule.backends.map((backend) => backend.weight);
    this.share = new WeightedShare(weights, previous?.share.phase ?? random());
    const samplers = (filters: readonly HttpFilter[], before: readonly Sampler[] | undefined) =>
      filtersOf(filters, 'mirror').map(
        (mirror, i) => new Sampler(mirror.numerator, mirror.denominator, before?.[i]?.phase ?? random()),
      );
    this.mirrors = samplers(rule.filters, previous?.mirrors);
    this.backendMirrors = rule.backends.map((backend, i) => samplers(backend.filters, previous?.backendMirrors[i]));
  }
}

function compileMirrors(filters: readonly HttpFilter[], samplers: readonly Sampler[]): readonly CompiledMirror[] {
  return filtersOf(filters, 'mirror').map((mirror: MirrorFilter, i) => {
    const sampler = samplers[i] as Sampler;
    return { target: mirror.backend, sample: () => sampler.sample() };
  });
}

/** A backend of a rule, with what is done to the requests that go to it: the rule's filters and its own together. */
export class CompiledBackend {
  readonly target: BackendTarget;
  /** Its place among the rule's backendRefs. */
  readonly index: number;
  readonly requestHeaders: HeaderEdits | undefined;
  readonly responseHeaders: HeaderEdits | undefined;
  readonly rewrite: CompiledRewrite | undefined;
  /** A redirect among the backend's own filters: the answer for its share of the requests. */
  readonly redirect: CompiledRedirect | undefined;
  readonly mirrors: readonly CompiledMirror[];

  constructor(rule: CompiledRule, backend: WeightedBackend, index: number) {
    const filters = [...rule.rule.filters, ...backend.filters];
    this.target = backend.target;
    this.index = index;
    const own = backend.filters.length > 0;
    this.requestHeaders = own ? modifiersOf(filters, 'requestHeaders') : rule.requestHeaders;
    this.responseHeaders = own ? modifiersOf(filters, 'responseHeaders') : rule.responseHeaders;
    this.rewrite = own ? compileRewrite(filtersOf(filters, 'rewrite'), rule.prefixLength) : rule.rewrite;
    const [redirect] = filtersOf(backend.filters, 'redirect');
    this.redirect = redirect === undefined ? undefined : new CompiledRedirect(redirect, rule.prefixLength);
    const mirrors = compileMirrors(backend.filters, rule.state.backendMirrors[index] ?? []);
    this.mirrors = mirrors.length === 0 ? rule.mirrors : [...rule.mirrors, ...mirrors];
  }
}

/**
 * A rule as one of its matches led to it; matches with different prefixes have one each, since a prefix replacement
 * needs to know what was matched. They share their {@link RuleState}.
 */
export class CompiledRule {
  readonly rule: HttpRule;
  readonly state: RuleState;
  /** How many bytes of the path the matched prefix covers (0 for `/`); -1 if it was no prefix that matched. */
  readonly prefixLength: number;
  /** If there is one, it is the answer: no backend is asked. */
  readonly redirect: CompiledRedirect | undefined;
  readonly cors: CompiledCors | undefined;
  readonly retry: CompiledRetryPolicy | undefined;
  /** How sessions are kept whatever the backend; where it is absent, each backend's Service says it. */
  readonly session: CompiledSession | undefined;
  /** The rule's own filters, for answers that no backend gives; a backend's are with the backend, these included. */
  readonly requestHeaders: HeaderEdits | undefined;
  readonly responseHeaders: HeaderEdits | undefined;
  readonly rewrite: CompiledRewrite | undefined;
  readonly mirrors: readonly CompiledMirror[];
  readonly backends: readonly CompiledBackend[];

  constructor(rule: HttpRule, state: RuleState, prefixLength: number) {
    this.rule = rule;
    this.state = state;
    this.prefixLength = prefixLength;
    const [redirect] = filtersOf(rule.filters, 'redirect');
    const [cors] = filtersOf(rule.filters, 'cors');
    this.redirect = redirect === undefined ? undefined : new CompiledRedirect(redirect, prefixLength);
    this.cors = cors === undefined ? undefined : new CompiledCors(cors);
    this.retry = rule.retry === undefined ? undefined : compileRetryPolicy(rule.retry);
    this.session = rule.sessionPersistence === undefined ? undefined : new CompiledSession(rule.sessionPersistence);
    this.requestHeaders = modifiersOf(rule.filters, 'requestHeaders');
    this.responseHeaders = modifiersOf(rule.filters, 'responseHeaders');
    this.rewrite = compileRewrite(filtersOf(rule.filters, 'rewrite'), prefixLength);
    this.mirrors = compileMirrors(rule.filters, state.mirrors);
    this.backends = rule.backends.map((backend, i) => new CompiledBackend(this, backend, i));
  }

  /** The backend for the next request, by weight; undefined when there are none or all weights are zero. */
  pickBackend(): CompiledBackend | undefined {
    const index = this.state.share.next();
    return index < 0 ? undefined : this.backends[index];
  }
}
