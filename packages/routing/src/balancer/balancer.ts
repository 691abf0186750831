import type { Endpoint, TrafficDistribution } from '@tulle/ir';
import { BalancedEndpoint } from './endpoint.ts';
import type { EndpointOwner, PortEndpoint } from './endpoint.ts';
import { defaultBalancerOptions } from './options.ts';
import type { BalancerOptions } from './options.ts';

/** Where the client is: its node's name and zone (empty when unknown). */
export interface Locality {
  readonly node: string;
  readonly zone: string;
}

/** What a balancer is made with; `random` gives numbers in [0, 1). */
export interface BalancerSetup {
  readonly locality: Locality;
  readonly distribution: TrafficDistribution;
  readonly random?: () => number;
  readonly options?: Partial<BalancerOptions>;
}

function endpointKey(endpoint: Endpoint): string {
  return `${endpoint.address}|${endpoint.port}`;
}

/** How far `endpoint` is (0 is nearest), as the Service's distribution counts; -1 when it may not be used at all. */
function tierOf(endpoint: Endpoint, distribution: TrafficDistribution, { node, zone }: Locality): number {
  const sameNode = node !== '' && endpoint.node === node;
  const sameZone = zone !== '' && endpoint.zone === zone;
  switch (distribution) {
    case 'any':
      return 0;
    case 'prefer-same-zone':
      return sameZone ? 0 : 1;
    case 'prefer-same-node':
      return sameNode ? 0 : sameZone ? 1 : 2;
    case 'local-only':
      return sameNode ? 0 : -1;
  }
}

/**
 * How far `endpoint` is by its EndpointSlice's hints: 0 where it is meant for clients of this node, or, where nodes do
 * not count, of this zone.
 */
function hintedTierOf(endpoint: Endpoint, distribution: TrafficDistribution, { node, zone }: Locality): number {
  const forZone = endpoint.forZones?.includes(zone) === true;
  if (distribution !== 'prefer-same-node') return forZone ? 0 : 1;
  return endpoint.forNodes?.includes(node) === true ? 0 : forZone ? 1 : 2;
}

/**
 * Chooses an endpoint for each request: of two at random the one with the less load (power of two choices on peak EWMA
 * and requests in flight), near ones first. Endpoints that fail are ejected for a while and probed with one request.
 *
 * Pure: the time is passed in (milliseconds of a clock that never goes back), and nothing here waits.
 */
export class EndpointBalancer {
  private readonly owner: EndpointOwner;
  private readonly locality: Locality;
  private distribution: TrafficDistribution;
  private readonly byKey = new Map<string, BalancedEndpoint>();
  /** Healthy endpoints by tier, nearest first; rebuilt when endpoints or their health change, not for each pick. */
  private tiers: BalancedEndpoint[][] = [];
  private ejected: BalancedEndpoint[] = [];
  private healthyCount = 0;
  private changes = 0;

  constructor(setup: BalancerSetup) {
    this.locality = setup.locality;
    this.distribution = setup.distribution;
    this.owner = {
      options: { ...defaultBalancerOptions, ...setup.options },
      random: setup.random ?? Math.random,
      hasOthersThan: (endpoint) => this.healthyCount > (endpoint.health === 'healthy' ? 1 : 0),
      healthChanged: () => this.arrange(),
    };
  }

  /** Every endpoint that may be used, healthy or not: for metrics and `describe`. */
  get endpoints(): Iterable<BalancedEndpoint> {
    return this.byKey.values();
  }

  /** A number that changes whenever {@link update} has changed which endpoints there are. */
  get revision(): number {
    return this.changes;
  }

  /** How many endpoints may be used, healthy or not. */
  get size(): number {
    return this.byKey.size;
  }

  /**
   * Takes the endpoints as they are now; those that are not ready are left out. Endpoints that stay keep what is known
   * about them. New ones start slowly, except when there were none before.
   */
  update(
    endpoints: readonly PortEndpoint[],
    nowMs: number,
    distribution: TrafficDistribution = this.distribution,
  ): void {
    this.distribution = distribution;
    this.changes++;
    const gone = new Set(this.byKey.keys());
    const sinceMs = this.byKey.size > 0 ? nowMs : -Infinity;
    const start = { nowMs, guessMs: this.meanLatencyMs(nowMs), sinceMs };
    for (const endpoint of endpoints) {
      if (!endpoint.ready || tierOf(endpoint, distribution, this.locality) < 0) continue;
      const key = endpointKey(endpoint);
      gone.delete(key);
      const known = this.byKey.get(key);
      if (known === undefined) this.byKey.set(key, new BalancedEndpoint(this.owner, endpoint, start));
      else known.describe(endpoint);
    }
    for (const key of gone) {
      const endpoint = this.byKey.get(key);
      if (endpoint !== undefined) endpoint.removed = true;
      this.byKey.delete(key);
    }
    this.arrange();
  }

  /** The endpoint at an address, for session persistence; undefined when it is not among them or not healthy. */
  find(address: string, port: number): BalancedEndpoint | undefined {
    const endpoint = this.byKey.get(`${address}|${port}`);
    return endpoint?.health === 'healthy' ? endpoint : undefined;
  }

  /**
   * The endpoint for the next request; undefined when none is ready, or all are ejected. `avoid` (the one that just
   * failed this request) is taken only when there is no other.
   */
  pick(nowMs: number, avoid?: BalancedEndpoint): BalancedEndpoint | undefined {
    if (this.ejected.length > 0) {
      const probe = this.dueProbe(nowMs, avoid);
      if (probe !== undefined) return probe;
    }
    const { tiers } = this;
    for (let i = 0; i < tiers.length; i++) {
      const tier = tiers[i] as BalancedEndpoint[];
      const near = this.ofTwo(tier, nowMs, avoid);
      if (near === undefined) continue;
      return this.spillOver(near, i + 1, nowMs, avoid) ?? near;
    }
    return avoid !== undefined && avoid.health === 'healthy' && !avoid.removed ? avoid : undefined;
  }

  /** An endpoint farther away that is so much less loaded than `near` that the request should go there. */
  private spillOver(
    near: BalancedEndpoint,
    fromTier: number,
    nowMs: number,
    avoid: BalancedEndpoint | undefined,
  ): BalancedEndpoint | undefined {
    const { spillOverInFlight, spillOverRatio } = this.owner.options;
    if (fromTier >= this.tiers.length || near.inFlight < spillOverInFlight) return undefined;
    const limit = near.load(nowMs) / spillOverRatio;
    for (let i = fromTier; i < this.tiers.length; i++) {
      const far = this.ofTwo(this.tiers[i] as BalancedEndpoint[], nowMs, avoid);
      if (far !== undefined && far.load(nowMs) < limit) return far;
    }
    return undefined;
  }

  private meanLatencyMs(nowMs: number): number {
    if (this.byKey.size === 0) return this.owner.options.firstGuessMs;
    let sum = 0;
    for (const endpoint of this.byKey.values()) sum += endpoint.expectedLatencyMs(nowMs);
    return sum / this.byKey.size;
  }

  /** Of two endpoints taken at random the one that is clearly less loaded, or else the first. */
  private ofTwo(
    tier: readonly BalancedEndpoint[],
    nowMs: number,
    avoid: BalancedEndpoint | undefined,
  ): BalancedEndpoint | undefined {
    const count = tier.length;
    if (count === 0) return undefined;
    const { random, options } = this.owner;
    const i = Math.floor(random() * count);
    const first = tier[i] as BalancedEndpoint;
    if (count === 1) return first === avoid ? undefined : first;
    const second = tier[(i + 1 + Math.floor(random() * (count - 1))) % count] as BalancedEndpoint;
    if (second === avoid) return first;
    if (first === avoid) return second;
    const preferred = second.load(nowMs) < first.load(nowMs) * options.clearlyLess ? second : first;
    const ramp = preferred.ramp(nowMs);
    if (ramp === 1 || random() < ramp) return preferred;
    return preferred === first ? second : first;
  }

  /** An ejected endpoint whose time is over: this request is its probe, and no other until it is decided. */
  private dueProbe(nowMs: number, avoid: BalancedEndpoint | undefined): BalancedEndpoint | undefined {
    for (let i = 0; i < this.ejected.length; i++) {
      const endpoint = this.ejected[i] as BalancedEndpoint;
      if (endpoint === avoid || nowMs < endpoint.ejectedUntilMs) continue;
      endpoint.beginProbe(nowMs);
      return endpoint;
    }
    return undefined;
  }

  /**
   * Whether hints decide who is near: as in kube-proxy only where every endpoint has them and some are for this zone, so
   * that no client is left without endpoints while hints are being changed.
   */
  private followsHints(): boolean {
    if (this.distribution === 'local-only' || this.locality.zone === '') return false;
    let forThisZone = false;
    for (const { endpoint } of this.byKey.values()) {
      if (endpoint.forZones === undefined) return false;
      forThisZone ||= endpoint.forZones.includes(this.locality.zone);
    }
    return forThisZone;
  }

  private arrange(): void {
    const tiers: BalancedEndpoint[][] = [[], [], []];
    const ejected: BalancedEndpoint[] = [];
    let healthy = 0;
    const tier = this.followsHints() ? hintedTierOf : tierOf;
    for (const endpoint of this.byKey.values()) {
      if (endpoint.health !== 'healthy') {
        ejected.push(endpoint);
        continue;
      }
      healthy++;
      tiers[tier(endpoint.endpoint, this.distribution, this.locality)]?.push(endpoint);
    }
    this.tiers = tiers.filter((tier) => tier.length > 0);
    this.ejected = ejected;
    this.healthyCount = healthy;
  }
}
