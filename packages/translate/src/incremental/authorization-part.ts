import type { AuthorizationPolicy as PolicyObject, Pod, PolicyAncestorStatus } from '@tulle/gateway-api';
import type { AuthorizationPolicy, Workload } from '@tulle/ir';
import { attachPolicy } from '../authorization/attach-policies.ts';
import { authorizationProblems, authorizationStatus } from '../authorization/authorization-status.ts';
import { compareText } from '../input.ts';
import type { WorkBoard, WorkSet } from './dependencies.ts';
import type { ProblemBook } from './problem-book.ts';
import { ResultMap } from './result-map.ts';

/** What authorization policies are made with. */
export interface AuthorizationPartOptions {
  readonly trustDomain: string;
  /** The pods of a namespace; the fact `pods NAMESPACE` tells of each change in them. */
  readonly podsIn: (namespace: string) => Iterable<Pod>;
  readonly workloadOf: (key: string) => Workload | undefined;
  readonly statuses: ResultMap<readonly PolicyAncestorStatus[]>;
  readonly board: WorkBoard;
  readonly problems: ProblemBook;
}

/** The authorization policies, and the workloads that each protects. */
export class AuthorizationPart {
  readonly policies = new ResultMap<AuthorizationPolicy>();
  readonly #options: AuthorizationPartOptions;
  readonly #work: WorkSet;
  readonly #objects = new Map<string, PolicyObject>();
  readonly #protects = new Map<string, readonly string[]>();
  /** By workload: the policies that protect it. */
  readonly #byWorkload = new Map<string, Set<string>>();

  constructor(options: AuthorizationPartOptions) {
    this.#options = options;
    this.#work = options.board.workSet();
  }

  /** Sets a policy, or removes it. */
  put(key: string, object: PolicyObject | undefined): void {
    if (object === undefined) this.#objects.delete(key);
    else this.#objects.set(key, object);
    this.#work.mark(key);
  }

  /** The keys of the policies that protect a workload, in order; undefined when there are none. */
  policiesOf(workload: string): readonly string[] | undefined {
    const keys = this.#byWorkload.get(workload);
    return keys === undefined ? undefined : [...keys].sort(compareText);
  }

  /** Makes the policies anew that something changed for; gives the keys of the workloads that they came to or left. */
  update(now: string): ReadonlySet<string> {
    const touched = new Set<string>();
    for (const key of this.#work.take()) {
      const before = this.#protects.get(key) ?? [];
      const after = this.#make(key, now);
      const kept = new Set(after);
      for (const workload of before) if (!kept.has(workload)) this.#unprotect(workload, key, touched);
      for (const workload of after) this.#protect(workload, key, touched);
    }
    return touched;
  }

  #make(key: string, now: string): readonly string[] {
    const { problems, statuses, workloadOf, podsIn, trustDomain } = this.#options;
    const name = `AuthorizationPolicy/${key}`;
    const object = this.#objects.get(key);
    if (object === undefined) {
      this.#work.forget(key);
      this.#protects.delete(key);
      this.policies.set(key, undefined);
      statuses.set(name, undefined);
      problems.replace('policy', name, []);
      return [];
    }
    const attached = this.#work.make(key, (record) => {
      record(`pods ${object.metadata.namespace}`);
      const pods = [...podsIn(object.metadata.namespace)];
      return attachPolicy(object, pods, { trustDomain, workloadOf });
    });
    this.#protects.set(key, attached.protects);
    this.policies.set(key, attached.policy);
    statuses.set(name, authorizationStatus(attached, { previous: statuses.get(name) ?? [], now }));
    problems.replace('policy', name, authorizationProblems(attached));
    return attached.protects;
  }

  #protect(workload: string, policy: string, touched: Set<string>): void {
    const policies = this.#byWorkload.get(workload) ?? new Set();
    if (policies.has(policy)) return;
    this.#byWorkload.set(workload, policies.add(policy));
    touched.add(workload);
  }

  #unprotect(workload: string, policy: string, touched: Set<string>): void {
    const policies = this.#byWorkload.get(workload);
    policies?.delete(policy);
    if (policies?.size === 0) this.#byWorkload.delete(workload);
    touched.add(workload);
  }
}
