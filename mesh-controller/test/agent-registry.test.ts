import { describe, expect, it } from '@jest/globals';
import type { NodeReport } from '@tulle/feed';
import { FakeClock } from '@tulle/testkit';
import { AgentRegistry } from '../src/server/agent-registry.ts';

function harness() {
  const clock = new FakeClock();
  const registry = new AgentRegistry(clock);
  const at = (node: string, ackedVersion?: string, connected = true) =>
    registry.nodeState({ node, connected, ...(ackedVersion === undefined ? {} : { ackedVersion }) });
  const behindMs = (node: string) => {
    const since = registry.records().get(node)?.behindSinceMs;
    return since === undefined ? undefined : clock.nowMs() - since;
  };
  return { clock, registry, at, behindMs };
}

const report: NodeReport = {
  node: 'n1',
  agentVersion: '0.1.0',
  pods: [{ uid: 'u', namespace: 'shop', name: 'a', captured: 'iptables' }],
  certificates: [
    { identity: 'spiffe://d/ns/a/sa/b', state: 'valid', serial: '0AFF', notBeforeMs: 0, notAfterMs: 86_400_000 },
    { identity: 'spiffe://d/ns/a/sa/c', state: 'failed', error: 'refused' },
  ],
  counters: {},
  configVersion: 'v1',
};

describe('AgentRegistry', () => {
  it('convergence: from publication to the last connected agent that acknowledges', () => {
    const { clock, registry, at } = harness();
    at('n1');
    at('n2');
    at('gone', 'v0', false);
    registry.published('v1');
    clock.advance(10);
    at('n1', 'v1');
    expect(registry.convergenceMs).toBeUndefined();
    clock.advance(21);
    at('n2', 'v1');
    expect(registry.convergenceMs).toBe(31);
    clock.advance(1000);
    at('n3');
    at('n3', 'v1');
    expect(registry.convergenceMs).toBe(31);
  });

  it('a publication of the same version is none', () => {
    const { clock, registry, at } = harness();
    at('n1');
    registry.published('v1');
    const { publishedAtMs } = registry;
    at('n1', 'v1');
    clock.advance(500);
    registry.published('v1');
    expect(registry.publishedAtMs).toBe(publishedAtMs);
    expect(registry.convergenceMs).toBe(0);
  });

  it('an agent is behind since the first publication that it lacks', () => {
    const { clock, registry, at, behindMs } = harness();
    registry.published('v1');
    at('n1', 'v1');
    clock.advance(100);
    expect(behindMs('n1')).toBeUndefined();
    registry.published('v2');
    clock.advance(100);
    registry.published('v3');
    clock.advance(100);
    expect(behindMs('n1')).toBe(200);
    at('n1', 'v2');
    expect(behindMs('n1')).toBe(100);
    at('n1', 'v3');
    expect(behindMs('n1')).toBeUndefined();
  });

  it('an agent that has nothing is behind since it connected', () => {
    const { clock, registry, at, behindMs } = harness();
    registry.published('v1');
    clock.advance(1000);
    at('n1');
    clock.advance(30);
    expect(behindMs('n1')).toBe(30);
    at('n1', undefined, false);
    clock.advance(1000);
    at('n1');
    expect(behindMs('n1')).toBe(0);
  });

  it('remembers the last report, and what the agent refused', () => {
    const { clock, registry } = harness();
    registry.nodeState({ node: 'n1', connected: true, nack: { version: 'v2', message: 'no' } });
    registry.report({ ...report, agentVersion: '' });
    clock.advance(1000);
    registry.report(report);
    const record = registry.records().get('n1');
    expect(record).toMatchObject({
      connected: true,
      ackedVersion: null,
      version: '0.1.0',
      refused: { configVersion: 'v2', message: 'no' },
      reportedAtMs: clock.nowMs(),
      pods: report.pods,
    });
    expect(record?.certificates).toEqual([
      {
        identity: 'spiffe://d/ns/a/sa/b',
        notBefore: '1970-01-01T00:00:00.000Z',
        notAfter: '1970-01-02T00:00:00.000Z',
        serialNumber: '0aff',
      },
      { identity: 'spiffe://d/ns/a/sa/c', lastError: 'refused' },
    ]);
  });

  it('takes the report of a node whose stream it never saw', () => {
    const { registry } = harness();
    registry.report(report);
    expect(registry.records().get('n1')).toMatchObject({ connected: false, ackedVersion: null });
  });
});
