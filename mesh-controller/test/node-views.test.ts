import { describe, expect, it } from '@jest/globals';
import type { AgentRecord } from '../src/views/agent-record.ts';
import { certificatesView } from '../src/views/certificates-view.ts';
import { nodeProblems, nodeViews } from '../src/views/node-views.ts';
import { byName, snapshotOf, workload } from './mesh-fixture.ts';

const nowMs = Date.parse('2026-05-01T12:00:00Z');
const at = (hours: number) => new Date(nowMs + hours * 3_600_000).toISOString();
const { state } = snapshotOf({
  workloads: byName([
    workload('a'),
    workload('b'),
    workload('c', { node: 'n2' }),
    workload('plain', { mesh: { state: 'out', reason: 'not labelled' } }),
  ]),
});
const agent = (parts: Partial<AgentRecord>): AgentRecord => ({
  node: 'n1',
  connected: true,
  ackedVersion: 'v7',
  reportedAtMs: nowMs - 1000,
  pods: [],
  certificates: [],
  ...parts,
});
const facts = (agents: readonly AgentRecord[], nodes: readonly string[] = []) => ({
  state,
  agents: new Map(agents.map((record) => [record.node, record])),
  nodes,
  nowMs,
});
const pod = (name: string, captured: 'iptables' | null, reason?: string) => ({
  uid: `uid-${name}`,
  namespace: 'shop',
  name,
  captured,
  ...(reason === undefined ? {} : { reason }),
});

describe('nodeViews', () => {
  it('a line for each node, of whatever it is known, by name', () => {
    expect(nodeViews(facts([agent({})], ['n9'])).map(({ name, agent: state }) => [name, state])).toEqual([
      ['n1', 'ready'],
      ['n2', 'missing'],
      ['n9', 'missing'],
    ]);
  });

  it('forgets an agent that is gone, of a node that is gone', () => {
    const gone = agent({ node: 'n7', connected: false });
    expect(nodeViews(facts([gone])).map(({ name }) => name)).toEqual(['n1', 'n2']);
    expect(nodeViews(facts([gone], ['n7'])).map(({ name }) => name)).toEqual(['n1', 'n2', 'n7']);
  });

  it('counts the pods that ought to be captured and are: what the agent says is true, by uid', () => {
    const pods = [pod('a', 'iptables'), { ...pod('b', 'iptables'), uid: 'an older one' }, pod('plain', 'iptables')];
    expect(nodeViews(facts([agent({ pods })]))[0]).toMatchObject({ podsCaptured: 1, podsWanted: 2 });
  });

  it('says how old the report is, and for how long configuration is lacking', () => {
    expect(nodeViews(facts([agent({ behindSinceMs: nowMs - 2000 })]))[0]).toMatchObject({
      agent: 'ready',
      configVersion: 'v7',
      behindMs: 2000,
      lastReportAgeMs: 1000,
    });
  });

  it('requests a second and the share that went well, as far as the agent knows them', () => {
    const view = (parts: Partial<AgentRecord>) => nodeViews(facts([agent(parts)]))[0];
    const rate = (perSecond: number, failedPerSecond: number) => ({ requestRate: { perSecond, failedPerSecond } });
    expect(view(rate(200, 1))).toMatchObject({ requestsPerSecond: 200, successShare: 0.995 });
    expect(view(rate(0, 0))).toMatchObject({ requestsPerSecond: 0 });
    // Nothing asked, nothing failed; nothing known; known, but not of now.
    expect(view(rate(0, 0))).not.toHaveProperty('successShare');
    for (const unknown of [
      view({}),
      view({ ...rate(9, 0), connected: false }),
      view({ ...rate(9, 0), reportedAtMs: nowMs - 31_000 }),
    ]) {
      expect(unknown).not.toHaveProperty('requestsPerSecond');
      expect(unknown).not.toHaveProperty('successShare');
    }
  });

  it.each([
    ['stale', { reportedAtMs: nowMs - 31_000 }],
    ['disconnected', { connected: false }],
  ] as const)('%s', (expected, parts) => {
    expect(nodeViews(facts([agent(parts)]))[0]?.agent).toBe(expected);
  });
});

describe('nodeProblems', () => {
  it('a pod that cannot be captured, with the reason; one that is not reported yet is none', () => {
    const problems = nodeProblems(facts([agent({ pods: [pod('a', null, 'no namespace')] }), agent({ node: 'n2' })]));
    expect(problems).toEqual([
      {
        severity: 'error',
        code: 'NotCaptured',
        object: { kind: 'Pod', namespace: 'shop', name: 'a' },
        message: 'it is labelled to be in the mesh, but not captured: no namespace',
      },
    ]);
  });

  it('a refused configuration, and a node whose pods nobody captures', () => {
    const refused = { configVersion: 'v8', message: 'routes shop/cart:80: no' };
    expect(nodeProblems(facts([agent({ refused })])).map(({ code, object }) => [code, object?.name])).toEqual([
      ['ConfigurationRefused', 'n1'],
      ['NoAgent', 'n2'],
    ]);
  });
});

describe('certificatesView', () => {
  const certificate = (name: string, notBefore?: string, notAfter?: string) => ({
    identity: `spiffe://cluster.local/ns/${name}`,
    ...(notBefore === undefined ? {} : { notBefore }),
    ...(notAfter === undefined ? {} : { notAfter }),
  });
  const agents = [
    agent({
      node: 'n2',
      certificates: [
        { ...certificate('shop/sa/b', at(-1), at(23)), serialNumber: '0a', issuer: 'CN=root', nextRenewal: at(11) },
      ],
    }),
    agent({
      node: 'n1',
      certificates: [
        certificate('shop/sa/late', at(-20), at(4)),
        certificate('shop/sa/old', at(-24), at(-1)),
        { ...certificate('qa/sa/none'), lastError: 'refused' },
      ],
    }),
  ];

  it('by node and identity, with what state each is in', () => {
    const view = certificatesView({ roots: [], agents, nowMs });
    expect(
      view.certificates.map(({ node, namespace, serviceAccount, state }) => [node, namespace, serviceAccount, state]),
    ).toEqual([
      ['n1', 'qa', 'none', 'missing'],
      ['n1', 'shop', 'late', 'expiring'],
      ['n1', 'shop', 'old', 'expired'],
      ['n2', 'shop', 'b', 'valid'],
    ]);
    expect(view.certificates[3]).toMatchObject({ serialNumber: '0a', issuer: 'CN=root', nextRenewal: at(11) });
    expect(view.certificates[3]?.expiresInMs).toBe(23 * 3_600_000);
    expect(view.certificates[0]?.lastError).toBe('refused');
  });

  it('of one namespace', () => {
    expect(certificatesView({ roots: [], agents, nowMs }, 'qa').certificates).toHaveLength(1);
  });
});
