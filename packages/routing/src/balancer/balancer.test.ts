import { describe, expect, it } from '@jest/globals';
import type { Endpoint } from '@tulle/ir';
import fc from 'fast-check';
import { EndpointBalancer } from './balancer.ts';
import type { BalancerSetup } from './balancer.ts';
import { isEndpointError } from './endpoint.ts';
import type { BalancedEndpoint, EndpointOutcome } from './endpoint.ts';

/** Numbers in [0, 1) that are the same in every run. */
function seeded(seed = 1): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 0) / 0x1_0000_0000;
  };
}

const at = (address: string, parts: Partial<Endpoint> = {}): Endpoint => ({ address, port: 80, ready: true, ...parts });

function balancer(endpoints: readonly Endpoint[], setup: Partial<BalancerSetup> = {}): EndpointBalancer {
  const made = new EndpointBalancer({
    locality: { node: 'n1', zone: 'z1' },
    distribution: 'any',
    random: seeded(),
    ...setup,
  });
  made.update(endpoints, 0);
  return made;
}

/** One request, begun and finished at `nowMs`. */
function send(to: EndpointBalancer, nowMs: number, outcome: EndpointOutcome, latencyMs = 5): string | undefined {
  const picked = to.pick(nowMs);
  picked?.begin();
  picked?.finish(nowMs, latencyMs, outcome);
  return picked?.endpoint.address;
}

function shares(of: EndpointBalancer, count: number, nowMs = 0): Record<string, number> {
  const counts: Record<string, number> = {};
  for (let i = 0; i < count; i++) {
    const address = of.pick(nowMs)?.endpoint.address ?? 'none';
    counts[address] = (counts[address] ?? 0) + 1;
  }
  return counts;
}

describe('choosing', () => {
  it('has nothing without endpoints, or without ready ones', () => {
    expect(balancer([]).pick(0)).toBeUndefined();
    expect(balancer([at('a', { ready: false })]).pick(0)).toBeUndefined();
  });

  it('spreads over equal endpoints', () => {
    const counts = shares(balancer([at('a'), at('b'), at('c')]), 3000);
    for (const address of ['a', 'b', 'c']) expect(counts[address]).toBeGreaterThan(800);
  });

  it('prefers the endpoint with fewer requests in flight', () => {
    const two = balancer([at('a'), at('b')]);
    const first = two.pick(0) as BalancedEndpoint;
    first.begin();
    for (let i = 0; i < 20; i++) expect(two.pick(0)).not.toBe(first);
  });

  it('prefers the faster endpoint, from its first answer on', () => {
    const two = balancer([at('a'), at('b')]);
    for (const endpoint of two.endpoints) {
      endpoint.begin();
      endpoint.finish(0, endpoint.endpoint.address === 'a' ? 200 : 5, 'success');
    }
    expect(shares(two, 100, 1)).toEqual({ b: 100 });
  });

  it('forgets a peak as time goes by', () => {
    const two = balancer([at('a'), at('b')]);
    for (const endpoint of two.endpoints) {
      endpoint.begin();
      endpoint.finish(0, endpoint.endpoint.address === 'a' ? 200 : 5, 'success');
    }
    for (let now = 1000; now <= 60_000; now += 1000) {
      for (const endpoint of two.endpoints) {
        if (endpoint.endpoint.address === 'b') {
          endpoint.begin();
          endpoint.finish(now, 5, 'success');
        }
      }
    }
    expect(shares(two, 10, 60_000)['a']).toBeGreaterThan(0);
  });

  it('learns nothing from a request that the client gave up', () => {
    const two = balancer([at('a'), at('b')]);
    const [a] = [...two.endpoints] as [BalancedEndpoint];
    const before = a.load(0);
    a.begin();
    a.finish(0, 100_000, 'cancelled');
    expect(a.load(0)).toBe(before);
  });

  it('avoids the endpoint that just failed, unless it is the only one', () => {
    const two = balancer([at('a'), at('b')]);
    const [a] = [...two.endpoints] as [BalancedEndpoint];
    for (let i = 0; i < 20; i++) expect(two.pick(0, a)?.endpoint.address).toBe('b');
    two.update([at('a')], 0);
    expect(two.pick(0, a)).toBe(a);
  });

  it('never picks two different endpoints from one', () => {
    expect(shares(balancer([at('a')]), 5)).toEqual({ a: 5 });
  });
});

describe('updating', () => {
  it('keeps what is known about endpoints that stay', () => {
    const two = balancer([at('a'), at('b')]);
    const before = [...two.endpoints];
    two.update([at('b', { zone: 'z9' }), at('c')], 0);
    const after = [...two.endpoints];
    expect(after[0]).toBe(before[1]);
    expect(after[0]?.endpoint.zone).toBe('z9');
    expect(before[0]?.removed).toBe(true);
    expect(shares(two, 50, 20_000)['a']).toBeUndefined();
  });

  it('lets requests to an endpoint that has gone end', () => {
    const one = balancer([at('a')]);
    const picked = one.pick(0) as BalancedEndpoint;
    picked.begin();
    one.update([at('b')], 0);
    picked.finish(1, 5, 'failure');
    expect(picked.inFlight).toBe(0);
    expect(one.pick(1)?.endpoint.address).toBe('b');
  });

  it('tells ports of one address apart', () => {
    expect(balancer([at('a'), at('a', { port: 81 })]).size).toBe(2);
  });

  it('starts a new endpoint slowly beside old ones, also when one request comes at a time', () => {
    const two = balancer([at('a')]);
    send(two, 0, 'success', 1);
    two.update([at('a'), at('b')], 1000);
    const counts = [1000, 6000, 11_000].map((nowMs) => shares(two, 1000, nowMs)['b'] ?? 0);
    expect(counts[0]).toBeGreaterThan(10);
    expect(counts[0]).toBeLessThan(100);
    expect(counts[1]).toBeGreaterThan(150);
    expect(counts[1]).toBeLessThan(350);
    expect(counts[2]).toBeGreaterThan(400);
  });

  it('spreads requests that come one at a time over endpoints that differ little', () => {
    const two = balancer([at('a'), at('b')]);
    const counts: Record<string, number> = {};
    for (let i = 0; i < 1000; i++) {
      const address = send(two, i * 10, 'success', i % 2 === 0 ? 1 : 1.2) ?? 'none';
      counts[address] = (counts[address] ?? 0) + 1;
    }
    expect(counts['a']).toBeGreaterThan(350);
    expect(counts['b']).toBeGreaterThan(350);
  });

  it('does not start slowly when there was none', () => {
    expect(shares(balancer([at('a'), at('b')]), 100)['b']).toBeGreaterThan(30);
  });
});

describe('passive health', () => {
  it('ejects after 7 failures in a row, and probes with one request when the time is over', () => {
    const one = balancer([at('a')], { options: { ejection: { initialMs: 1000, maxMs: 60_000, jitter: 0 } } });
    for (let i = 0; i < 6; i++) send(one, 0, 'failure');
    expect(one.pick(0)).toBeDefined();
    send(one, 0, 'failure');
    expect(one.pick(999)).toBeUndefined();
    const probe = one.pick(1000);
    expect(probe?.health).toBe('probing');
    expect(one.pick(1000)).toBeUndefined();
    probe?.begin();
    probe?.finish(1010, 5, 'success');
    expect(one.pick(1010)).toBe(probe);
  });

  it('begins to count anew after a success', () => {
    const one = balancer([at('a')]);
    for (let i = 0; i < 6; i++) send(one, 0, 'failure');
    send(one, 0, 'success');
    for (let i = 0; i < 6; i++) send(one, 0, 'failure');
    expect(one.pick(0)?.health).toBe('healthy');
  });

  it('waits twice as long after each probe that fails, up to a minute', () => {
    const one = balancer([at('a')], { options: { ejection: { initialMs: 1000, maxMs: 60_000, jitter: 0 } } });
    for (let i = 0; i < 7; i++) send(one, 0, 'failure');
    let now = 0;
    const waits: number[] = [];
    for (let i = 0; i < 8; i++) {
      const [endpoint] = [...one.endpoints] as [BalancedEndpoint];
      waits.push(endpoint.ejectedUntilMs - now);
      now = endpoint.ejectedUntilMs;
      expect(one.pick(now - 1)).toBeUndefined();
      send(one, now, 'failure');
    }
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
  });

  it('starts over at a second once it has recovered', () => {
    const one = balancer([at('a')], { options: { ejection: { initialMs: 1000, maxMs: 60_000, jitter: 0 } } });
    for (let i = 0; i < 7; i++) send(one, 0, 'failure');
    send(one, 1000, 'failure');
    send(one, 3000, 'success');
    for (let i = 0; i < 7; i++) send(one, 4000, 'failure');
    expect(one.pick(4999)).toBeUndefined();
    expect(one.pick(5000)).toBeDefined();
  });

  it('jitters, so that agents do not probe together', () => {
    const until = (random: number) => {
      const one = balancer([at('a')], { random: () => random });
      for (let i = 0; i < 7; i++) send(one, 0, 'failure');
      return [...one.endpoints][0]?.ejectedUntilMs;
    };
    expect([until(0), until(0.5)]).toEqual([1000, 900]);
  });

  it('probes again at once when the client of the probe gave up', () => {
    const one = balancer([at('a')], { options: { ejection: { initialMs: 1000, maxMs: 60_000, jitter: 0 } } });
    for (let i = 0; i < 7; i++) send(one, 0, 'failure');
    send(one, 1000, 'cancelled');
    expect(one.pick(1000)?.health).toBe('probing');
  });

  it('lets another probe through when one is never decided', () => {
    const one = balancer([at('a')]);
    for (let i = 0; i < 7; i++) send(one, 0, 'failure');
    expect(one.pick(1000)).toBeDefined();
    expect(one.pick(30_999)).toBeUndefined();
    expect(one.pick(31_000)).toBeDefined();
  });

  it('never ejects the last endpoint for what it answers', () => {
    const two = balancer([at('a'), at('b')]);
    for (let i = 0; i < 100; i++) send(two, 0, 'error-response');
    const health = [...two.endpoints].map((endpoint) => endpoint.health).sort();
    expect(health).toEqual(['ejected', 'healthy']);
  });

  it('uses the others while one is ejected', () => {
    const two = balancer([at('a'), at('b')]);
    const [a] = [...two.endpoints] as [BalancedEndpoint];
    for (let i = 0; i < 7; i++) {
      a.begin();
      a.finish(0, 5, 'failure');
    }
    expect(shares(two, 50, 1)).toEqual({ b: 50 });
  });

  it('counts only statuses that say the endpoint cannot serve', () => {
    expect([500, 501, 502, 503, 504, 505, 404].filter(isEndpointError)).toEqual([502, 503, 504]);
  });
});

describe('where the traffic goes', () => {
  const near = at('near', { node: 'n1', zone: 'z1' });
  const zone = at('zone', { node: 'n2', zone: 'z1' });
  const far = at('far', { node: 'n3', zone: 'z2' });
  const eject = (from: EndpointBalancer, address: string) => {
    for (const endpoint of from.endpoints) {
      if (endpoint.endpoint.address !== address) continue;
      for (let i = 0; i < 7; i++) {
        endpoint.begin();
        endpoint.finish(0, 5, 'failure');
      }
    }
  };

  it('anywhere', () => {
    expect(Object.keys(shares(balancer([near, zone, far]), 100)).sort()).toEqual(['far', 'near', 'zone']);
  });

  it('to the zone, and beyond it when the zone has none', () => {
    const three = balancer([near, zone, far], { distribution: 'prefer-same-zone' });
    expect(Object.keys(shares(three, 100)).sort()).toEqual(['near', 'zone']);
    eject(three, 'near');
    eject(three, 'zone');
    expect(shares(three, 10)).toEqual({ far: 10 });
  });

  it('to the node, then the zone, then anywhere', () => {
    const three = balancer([near, zone, far], { distribution: 'prefer-same-node' });
    expect(shares(three, 10)).toEqual({ near: 10 });
    eject(three, 'near');
    expect(shares(three, 10)).toEqual({ zone: 10 });
    eject(three, 'zone');
    expect(shares(three, 10)).toEqual({ far: 10 });
  });

  it('to the node only', () => {
    expect(shares(balancer([near, zone], { distribution: 'local-only' }), 10)).toEqual({ near: 10 });
    expect(balancer([zone], { distribution: 'local-only' }).pick(0)).toBeUndefined();
  });

  it('anywhere when the own zone is unknown', () => {
    const setup = { distribution: 'prefer-same-zone', locality: { node: '', zone: '' } } as const;
    expect(Object.keys(shares(balancer([near, at('x')], setup), 100)).length).toBe(2);
  });

  it('spills over when the near one is much more loaded', () => {
    const two = balancer([near, far], { distribution: 'prefer-same-zone' });
    const [first] = [...two.endpoints] as [BalancedEndpoint];
    for (let i = 0; i < 7; i++) first.begin();
    expect(shares(two, 10)).toEqual({ near: 10 });
    first.begin();
    expect(shares(two, 10)).toEqual({ far: 10 });
  });

  it('follows a changed distribution', () => {
    const two = balancer([near, far]);
    two.update([near, far], 0, 'prefer-same-zone');
    expect(shares(two, 10)).toEqual({ near: 10 });
  });
});

describe('hints of EndpointSlices', () => {
  const mine = at('mine', { zone: 'z2', forZones: ['z1'] });
  const theirs = at('theirs', { zone: 'z1', forZones: ['z2'] });

  it('say who is near, whatever zone an endpoint is in', () => {
    expect(shares(balancer([mine, theirs]), 10)).toEqual({ mine: 10 });
    expect(shares(balancer([mine, theirs], { distribution: 'prefer-same-zone' }), 10)).toEqual({ mine: 10 });
  });

  it('give way when the near ones are gone, ejected or much more loaded', () => {
    const two = balancer([mine, theirs]);
    const [near] = [...two.endpoints] as [BalancedEndpoint];
    for (let i = 0; i < 8; i++) near.begin();
    expect(shares(two, 10)).toEqual({ theirs: 10 });
    two.update([theirs], 0);
    expect(shares(two, 10)).toEqual({ theirs: 10 });
  });

  it('are not followed while some endpoints have none, or none is for this zone', () => {
    expect(Object.keys(shares(balancer([mine, at('new')]), 100)).sort()).toEqual(['mine', 'new']);
    expect(Object.keys(shares(balancer([theirs, at('b', { forZones: ['z3'] })]), 100)).sort()).toEqual(['b', 'theirs']);
  });

  it('of nodes come before those of zones where the node is preferred', () => {
    const here = at('here', { forZones: ['z1'], forNodes: ['n1'] });
    const zone = at('zone', { forZones: ['z1'], forNodes: ['n2'] });
    const far = at('far', { forZones: ['z2'], forNodes: ['n3'] });
    const three = balancer([here, zone, far], { distribution: 'prefer-same-node' });
    expect(shares(three, 10)).toEqual({ here: 10 });
    three.update([zone, far], 0);
    expect(shares(three, 10)).toEqual({ zone: 10 });
  });

  it('change nothing where only the own node is to be used', () => {
    const setup = { distribution: 'local-only' } as const;
    expect(shares(balancer([at('here', { node: 'n1', forZones: ['z9'] }), mine], setup), 10)).toEqual({ here: 10 });
  });
});

describe('whatever happens', () => {
  it('picks only endpoints that are there, ready and not ejected, and counts in-flight requests right', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('update' as const), addresses: fc.subarray(['a', 'b', 'c', 'd']) }),
      fc.record({ do: fc.constant('begin' as const) }),
      fc.record({
        do: fc.constant('finish' as const),
        outcome: fc.constantFrom<EndpointOutcome>('success', 'failure', 'failure', 'error-response', 'cancelled'),
      }),
      fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 5000 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const subject = balancer([at('a'), at('b')]);
        let now = 0;
        let present = ['a', 'b'];
        const open: BalancedEndpoint[] = [];
        for (const one of steps) {
          if (one.do === 'wait') now += one.ms;
          else if (one.do === 'update') {
            present = one.addresses;
            subject.update(
              present.map((address) => at(address)),
              now,
            );
          } else if (one.do === 'begin') {
            const picked = subject.pick(now);
            if (picked === undefined) {
              for (const endpoint of subject.endpoints) expect(endpoint.health).not.toBe('healthy');
              continue;
            }
            expect(present).toContain(picked.endpoint.address);
            expect(picked.removed).toBe(false);
            expect(picked.health).not.toBe('ejected');
            picked.begin();
            open.push(picked);
          } else open.shift()?.finish(now, 5, one.outcome);
          for (const endpoint of subject.endpoints) {
            expect(endpoint.inFlight).toBe(open.filter((other) => other === endpoint).length);
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});
