import { describe, expect, it } from '@jest/globals';
import { FileRootStore, RotatingAuthority } from '@tulle/ca';
import { FakeClock, temporaryDirectory } from '@tulle/testkit';
import type { AgentRecord } from '../src/views/agent-record.ts';
import { rotationView } from '../src/views/rotation-view.ts';

describe('rotationView', () => {
  using directory = temporaryDirectory();
  const clock = new FakeClock();
  const authority = new RotatingAuthority(new FileRootStore(directory.path), { clock, trustDomain: 'cluster.local' });
  const issuer = authority.issuer.subject.replaceAll('\n', ', ');
  const identity = 'spiffe://cluster.local/ns/shop/sa/cart';
  const agent = (parts: Partial<AgentRecord>): AgentRecord => ({
    node: 'n1',
    connected: true,
    ackedVersion: 'v2',
    pods: [],
    certificates: [{ identity, issuer }],
    ...parts,
  });
  const waitsFor = (phase: 'idle' | 'prepared' | 'switched', ...agents: AgentRecord[]) =>
    rotationView({ authority, phase, agents, configVersion: 'v2' }).waitsFor;

  it.each(['idle', 'prepared', 'switched'] as const)('%s: waits for nothing when every agent has it all', (phase) => {
    expect(waitsFor(phase, agent({}), agent({ node: 'n2' }))).toEqual([]);
  });

  it('waits for agents that have not taken over the roots, and for those that are away', () => {
    expect(waitsFor('prepared', agent({ ackedVersion: 'v1' }), agent({ node: 'n2', connected: false }))).toEqual([
      'node n1: its agent has not taken over the roots yet',
      'node n2: its agent is not connected',
    ]);
  });

  it('waits, after the switch only, for certificates of another root and for those that are missing', () => {
    const old = agent({ certificates: [{ identity, issuer }, { identity, issuer: 'CN=old' }, { identity }] });
    expect(waitsFor('switched', old)).toEqual(['node n1: 2 of its certificates are of another root']);
    expect(waitsFor('prepared', old)).toEqual([]);
  });

  it("says that a root is not the controller's to replace", () => {
    const view = rotationView({ authority, phase: undefined, agents: [agent({})], configVersion: 'v9' });
    expect(view).toEqual({ phase: 'unsupported', waitsFor: [] });
  });
});
