import type { PolicyAncestorStatus } from '@tulle/gateway-api';
import { settleClaims } from '../policies/claims.ts';
import type { ServiceClaims } from '../policies/claims.ts';
import type { PolicyLookup } from '../lookup.ts';
import type { Policy, TranslatedPolicy } from '../policies/policy.ts';
import { policyProblems, policyStatuses } from '../status/policy-status.ts';
import { isEqual } from '../diff.ts';
import type { Record, WorkBoard, WorkSet } from './dependencies.ts';
import type { ProblemBook } from './problem-book.ts';
import type { ResultMap } from './result-map.ts';

/** What the policies of one kind are made with. */
export interface PolicyPartOptions<P extends Policy, T> {
  readonly kind: P['kind'];
  /** The fact that is told of when what applies to a Service changes: `FACT namespace/name`. */
  readonly fact: string;
  readonly translate: (policy: P, lookup: PolicyLookup) => TranslatedPolicy<T>;
  readonly lookup: (record: Record) => PolicyLookup;
  readonly statuses: ResultMap<readonly PolicyAncestorStatus[]>;
  readonly board: WorkBoard;
  readonly problems: ProblemBook;
}

/** The policies of one kind, and what they come to at each Service. */
export class PolicyPart<P extends Policy, T> {
  readonly #options: PolicyPartOptions<P, T>;
  readonly #work: WorkSet;
  readonly #policies = new Map<string, P>();
  readonly #translated = new Map<string, TranslatedPolicy<T>>();
  /** The policies that target each Service. */
  readonly #byService = new Map<string, Set<string>>();
  readonly #claims = new Map<string, ServiceClaims<T>>();

  constructor(options: PolicyPartOptions<P, T>) {
    this.#options = options;
    this.#work = options.board.workSet();
  }

  /** Sets a policy, or removes it. */
  put(key: string, policy: P | undefined): void {
    if (policy === undefined) this.#policies.delete(key);
    else this.#policies.set(key, policy);
    this.#work.mark(key);
  }

  /** What applies to a Service, by section; see {@link ServiceClaims}. */
  claimsOf(service: string): ServiceClaims<T> | undefined {
    return this.#claims.get(service);
  }

  /** Makes the policies anew that something changed for, and settles which of them apply. */
  update(now: string): void {
    const services = new Set<string>();
    const statusDue = new Set<string>();
    for (const key of this.#work.take()) {
      for (const { service } of this.#translated.get(key)?.targets ?? []) services.add(service);
      this.#translate(key);
      for (const { service } of this.#translated.get(key)?.targets ?? []) services.add(service);
      statusDue.add(key);
    }
    for (const service of services) {
      for (const key of this.#byService.get(service) ?? []) statusDue.add(key);
      this.#settle(service);
    }
    for (const key of statusDue) this.#updateStatus(key, now);
  }

  #translate(key: string): void {
    for (const { service } of this.#translated.get(key)?.targets ?? []) {
      const keys = this.#byService.get(service);
      keys?.delete(key);
      if (keys?.size === 0) this.#byService.delete(service);
    }
    const policy = this.#policies.get(key);
    if (policy === undefined) {
      this.#work.forget(key);
      this.#translated.delete(key);
      return;
    }
    const translated = this.#work.make(key, (record) => this.#options.translate(policy, this.#options.lookup(record)));
    this.#translated.set(key, translated);
    for (const { service } of translated.targets) {
      const keys = this.#byService.get(service) ?? new Set();
      this.#byService.set(service, keys.add(key));
    }
  }

  #settle(service: string): void {
    const keys = this.#byService.get(service);
    const before = this.#claims.get(service);
    if (keys === undefined) this.#claims.delete(service);
    else {
      const policies = [...keys].flatMap((key) => this.#translated.get(key) ?? []);
      this.#claims.set(service, settleClaims(service, policies));
    }
    const sections = (claims: ServiceClaims<T> | undefined) => Object.fromEntries(claims?.bySection ?? []);
    if (!isEqual(sections(before), sections(this.#claims.get(service)))) {
      this.#options.board.changed(`${this.#options.fact} ${service}`);
    }
  }

  #updateStatus(key: string, now: string): void {
    const { statuses, problems, kind } = this.#options;
    const name = `${kind}/${key}`;
    const translated = this.#translated.get(key);
    if (translated === undefined) {
      statuses.set(name, undefined);
      problems.replace('policy', name, []);
      return;
    }
    const ofPolicy = policyStatuses(translated, {
      claimsOf: (service) => this.#claims.get(service),
      previous: statuses.get(name) ?? [],
      now,
    });
    statuses.set(name, ofPolicy.length === 0 ? undefined : ofPolicy);
    problems.replace('policy', name, policyProblems(translated, ofPolicy));
  }
}
