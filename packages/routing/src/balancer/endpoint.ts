import { backoffDelayMs } from '@tulle/core';
import type { BackendTls, Endpoint } from '@tulle/ir';
import type { BalancerOptions } from './options.ts';

/**
 * How a request to an endpoint ended, for its health.
 *
 * - `success`: it answered.
 * - `error-response`: it answered that it cannot serve (502, 503, 504): {@link isEndpointError}. Counts as a failure,
 *   but never ejects the last endpoint that is left.
 * - `failure`: it could not be reached, broke the connection, or let the time run out.
 * - `cancelled`: the client went away; says nothing.
 */
export type EndpointOutcome = 'success' | 'error-response' | 'failure' | 'cancelled';

/** Whether a response's status says that the endpoint cannot serve. 500 is the application's own answer. */
export function isEndpointError(status: number): boolean {
  return status === 502 || status === 503 || status === 504;
}

/** An endpoint of a Service port, with how the port's application is spoken to where it wants TLS of its own. */
export interface PortEndpoint extends Endpoint {
  readonly tls?: BackendTls;
}

/** What an endpoint asks of the balancer that owns it. */
export interface EndpointOwner {
  readonly options: BalancerOptions;
  readonly random: () => number;
  /** Whether an endpoint may be ejected for error responses: not the last one. */
  hasOthersThan(endpoint: BalancedEndpoint): boolean;
  /** Called when the endpoint's health has changed. */
  healthChanged(endpoint: BalancedEndpoint): void;
}

/**
 * An endpoint with what is known about it: requests in flight, latency, health.
 *
 * Health: `healthy` -> (7 failures in a row) -> `ejected` -> (time over, one request picked) -> `probing` -> success:
 * `healthy`, failure: `ejected` for twice as long, cancelled: `ejected`, to be probed again at once.
 */
export class BalancedEndpoint {
  private readonly owner: EndpointOwner;
  private current: PortEndpoint;
  private latencyMs: number;
  private learntAtMs: number;
  private sinceMs: number;
  private flying = 0;
  private failures = 0;
  private ejections = 0;
  private state: 'healthy' | 'ejected' | 'probing' = 'healthy';
  private untilMs = 0;
  /** Set once it is no longer among the balancer's endpoints; requests in flight still end. */
  removed = false;

  /**
   * `guessMs`: the latency that it is taken to have. `sinceMs`: when it came, for its slow start; -Infinity when it is
   * to have its full share at once.
   */
  constructor(
    owner: EndpointOwner,
    endpoint: PortEndpoint,
    start: { nowMs: number; guessMs: number; sinceMs: number },
  ) {
    const { nowMs, guessMs, sinceMs } = start;
    this.owner = owner;
    this.current = endpoint;
    this.latencyMs = guessMs;
    this.learntAtMs = nowMs;
    this.sinceMs = sinceMs;
  }

  /** The endpoint as the configuration has it now. */
  get endpoint(): PortEndpoint {
    return this.current;
  }

  /** Requests that have begun and not finished. */
  get inFlight(): number {
    return this.flying;
  }

  /** `healthy`, `ejected`, or `probing`: ejected, with one request let through to see. */
  get health(): 'healthy' | 'ejected' | 'probing' {
    return this.state;
  }

  /** When an ejected endpoint may be probed. */
  get ejectedUntilMs(): number {
    return this.untilMs;
  }

  /** Takes over a changed description (node, zone, workload, TLS); what was learnt stays. */
  describe(endpoint: PortEndpoint): void {
    this.current = endpoint;
  }

  /** What it is taken to need for an answer: peaks at once, and fades (peak EWMA). */
  expectedLatencyMs(nowMs: number): number {
    return this.latencyMs * Math.exp((this.learntAtMs - nowMs) / this.owner.options.latencyDecayMs);
  }

  /** The cost of sending one more request: the latency, and what does not matter of it, times the requests in flight. */
  load(nowMs: number): number {
    return (this.expectedLatencyMs(nowMs) + this.owner.options.latencyFloorMs) * (this.flying + 1);
  }

  /** The part of its share that it is to get, up to 1: a tenth when it is new, growing during its slow start. */
  ramp(nowMs: number): number {
    const age = nowMs - this.sinceMs;
    const { slowStartMs } = this.owner.options;
    return age >= slowStartMs ? 1 : Math.max(0.1, age / slowStartMs);
  }

  /** A request begins. Each is followed by exactly one {@link finish}. */
  begin(): void {
    this.flying++;
  }

  /** A request ended: after `latencyMs` to the response's head (ignored when cancelled), in this way. */
  finish(nowMs: number, latencyMs: number, outcome: EndpointOutcome): void {
    this.flying--;
    if (outcome !== 'cancelled') this.learn(nowMs, latencyMs);
    switch (outcome) {
      case 'success':
        this.failures = 0;
        if (this.state !== 'healthy') this.recover(nowMs);
        return;
      case 'cancelled':
        if (this.state === 'probing') this.eject(nowMs);
        return;
      case 'error-response':
      case 'failure':
        this.fail(nowMs, outcome);
    }
  }

  /** The balancer lets one request through to see whether the endpoint is back. */
  beginProbe(nowMs: number): void {
    this.state = 'probing';
    this.untilMs = nowMs + this.owner.options.probeTimeoutMs;
  }

  private learn(nowMs: number, latencyMs: number): void {
    const kept = Math.exp((this.learntAtMs - nowMs) / this.owner.options.latencyDecayMs);
    const faded = this.latencyMs * kept;
    this.latencyMs = latencyMs > faded ? latencyMs : faded + latencyMs * (1 - kept);
    this.learntAtMs = nowMs;
  }

  private fail(nowMs: number, outcome: 'error-response' | 'failure'): void {
    const { options, random } = this.owner;
    this.failures++;
    if (this.state === 'ejected') return;
    if (this.state === 'healthy') {
      if (this.failures < options.failuresToEject) return;
      if (outcome === 'error-response' && !this.owner.hasOthersThan(this)) return;
    }
    this.eject(nowMs + backoffDelayMs(options.ejection, this.ejections, random));
    this.ejections++;
  }

  private eject(untilMs: number): void {
    this.state = 'ejected';
    this.untilMs = untilMs;
    this.owner.healthChanged(this);
  }

  private recover(nowMs: number): void {
    this.state = 'healthy';
    this.ejections = 0;
    this.sinceMs = nowMs;
    this.owner.healthChanged(this);
  }
}
