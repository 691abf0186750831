import { SlotSet } from '@tulle/core';
import type { Logger } from '@tulle/core';
import type { AuthorizationPolicy, Workload } from '@tulle/ir';
import { authorize } from '@tulle/ir';
import type { DenialReport } from '../ipc.ts';
import type { Counters } from './measures.ts';

/** Somebody who wants to connect to the pod, or has. */
export interface Caller {
  /** The SPIFFE id that its certificate proved; undefined for plaintext. */
  readonly identity: string | undefined;
  readonly address: string;
  /** The application's port. */
  readonly port: number;
}

/** A connection that was let in, and how it is broken when policy no longer allows it. */
export interface Admission extends Caller {
  revoke(): void;
  /** Its place in the guard; the guard's alone. */
  guardSlot?: number;
}

class Admissions extends SlotSet<Admission> {
  protected override placeOf(member: Admission): number | undefined {
    return member.guardSlot;
  }

  protected override place(member: Admission, at: number): void {
    member.guardSlot = at;
  }
}

/** What a guard looks up. */
export interface GuardContext {
  readonly mesh: {
    workload(key: string): Workload | undefined;
    policy(key: string): AuthorizationPolicy | undefined;
  };
  readonly counters: Counters;
  readonly log: Logger;
}

const maxDenials = 64;
/** The same caller's denials are logged this often, however many there are. */
const logIntervalMs = 60_000;

interface Denial {
  readonly identity: string | undefined;
  readonly port: number;
  address: string;
  count: number;
  lastMs: number;
  loggedMs: number;
}

/**
 * Decides who may connect to one pod, by the policies of its workload; breaks open connections when they no longer allow
 * it; remembers who was turned away. While the workload is not known, its last policies stay.
 */
export class PodGuard {
  /** `namespace/name` of the pod. */
  readonly pod: string;
  readonly #context: GuardContext;
  readonly #admitted = new Admissions();
  readonly #denials = new Map<string, Denial>();
  #policies: readonly string[] | undefined;

  constructor(pod: string, context: GuardContext) {
    this.pod = pod;
    this.#context = context;
  }

  /** Whether somebody may connect now; a denial is counted, logged and remembered. */
  allows(caller: Caller): boolean {
    if (this.#permits(caller)) return true;
    this.#deny(caller, 'inbound_policy_denied');
    return false;
  }

  /** Notes a connection that was let in; the function given back is to be called at its end. */
  admit(admission: Admission): () => void {
    this.#admitted.add(admission);
    return () => this.#admitted.delete(admission);
  }

  /** Policies or the workload changed: breaks what they no longer allow. */
  recheck(): void {
    for (const admission of [...this.#admitted]) {
      if (this.#permits(admission)) continue;
      this.#admitted.delete(admission);
      this.#deny(admission, 'inbound_policy_revoked');
      admission.revoke();
    }
  }

  /** Whether the pod's own policies name one of these. */
  dependsOn(policies: ReadonlySet<string>): boolean {
    return this.#current()?.some((key) => policies.has(key)) ?? false;
  }

  /** Who was turned away since the pod was opened, the latest of them at most. */
  *denials(): Generator<DenialReport> {
    for (const { identity, address, port, count, lastMs } of this.#denials.values()) {
      yield { pod: this.pod, identity: identity ?? '', address, port, count, lastMs };
    }
  }

  #current(): readonly string[] | undefined {
    const workload = this.#context.mesh.workload(this.pod);
    if (workload !== undefined) this.#policies = workload.policies;
    return this.#policies;
  }

  #permits({ identity, port }: Caller): boolean {
    return authorize(this.#current(), (key) => this.#context.mesh.policy(key), { identity, port }).allowed;
  }

  #deny({ identity, address, port }: Caller, event: 'inbound_policy_denied' | 'inbound_policy_revoked'): void {
    this.#context.counters.add(event);
    const key = `${identity ?? ''} ${port}`;
    const nowMs = Date.now();
    const known = this.#denials.get(key);
    // Set anew, so that the first of the map is the one that was denied longest ago.
    this.#denials.delete(key);
    const denial = known ?? { identity, port, address, count: 0, lastMs: nowMs, loggedMs: 0 };
    this.#denials.set(key, denial);
    const [oldest] = this.#denials.keys();
    if (this.#denials.size > maxDenials && oldest !== undefined) this.#denials.delete(oldest);
    denial.count += 1;
    denial.address = address;
    denial.lastMs = nowMs;
    if (nowMs - denial.loggedMs < logIntervalMs) return;
    denial.loggedMs = nowMs;
    this.#context.log.warn('a connection was refused by policy', {
      reason: 'policy-denied',
      pod: this.pod,
      port,
      client: identity ?? 'plaintext',
      address,
      wasOpen: event === 'inbound_policy_revoked',
    });
  }
}
