import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { CertificatesView, RouteView, ServiceView, StatusView } from '@tulle/admin-api';
import { waitFor } from '../src/playground-client.ts';
import { schemaErrors } from './support/documents.ts';
import { TestCluster } from './support/test-cluster.ts';
import type { RequestPlan, RequestResult } from './support/test-cluster.ts';

const cluster = new TestCluster('routing');

beforeAll(async () => {
  await cluster.start();
});

afterAll(async () => {
  await cluster.down();
});

/** The percentages that each version answered; fails when anything but 200 was among the answers. */
function shares({ answers, requests }: Pick<RequestResult, 'answers' | 'requests'>): Record<string, number> {
  const entries = Object.entries(answers).map(([answer, count]) => {
    expect(answer).toMatch(/^200 /);
    return [answer.slice(4), (100 * count) / requests] as const;
  });
  return Object.fromEntries(entries);
}

function expectShares(result: Pick<RequestResult, 'answers' | 'requests'>, withinPoints: number): void {
  const measured = shares(result);
  for (const [version, asked] of [
    ['red', 70],
    ['blue', 20],
    ['green', 10],
  ] as const) {
    expect(Math.abs((measured[version] ?? 0) - asked)).toBeLessThanOrEqual(withinPoints);
  }
}

describe('a split by weights', () => {
  it('is met within 2 points by 5,000 requests on kept connections, and none fails', async () => {
    const result = await cluster.request('shop/web', { url: 'http://split/', count: 5_000, concurrency: 8 });
    expect(result.requests).toBe(5_000);
    expectShares(result, 2);
  });

  it('is met within 5 points by 1,000 clients that make one request each', async () => {
    const plan = { url: 'http://split/', count: 1_000, concurrency: 4, fresh: true };
    const result = await cluster.request('shop/web', plan);
    expect(result.requests).toBe(1_000);
    expectShares(result, 5);
  });

  it('is met by the calls of one HTTP/2 connection', async () => {
    const [result] = await calls('shop/web', 'http://split:90', [{ path: '/', count: 500 }]);
    expectShares({ requests: 500, answers: result?.answers ?? {} }, 3);
  });

  it('is changed while requests flow, and none fails', async () => {
    const flow = await cluster.flow('shop/web', { url: 'http://split/', concurrency: 4 });
    cluster.edit('split.yaml', (text) => text.replace('weight: 70', 'weight: 0').replace('weight: 20', 'weight: 0'));
    const { tookMs } = await waitFor('only green answers', 10_000, async () => {
      const { answers } = await cluster.request('shop/web', { url: 'http://split/', count: 40 });
      return Object.keys(answers).join() === '200 green' ? true : undefined;
    });
    expect(tookMs).toBeLessThan(5_000);
    const whole = await flow.stop();
    expect(Object.keys(whole.answers).every((answer) => answer.startsWith('200 '))).toBe(true);
    expect(whole.requests).toBeGreaterThan(100);
  });
});

describe('what a route matches', () => {
  const table: readonly [string, Omit<RequestPlan, 'url'> & { readonly path: string }, string][] = [
    ['an exact path', { path: '/exact' }, '200 red'],
    ['an exact path only', { path: '/exact/more' }, '404 no-route'],
    ['a path below a prefix', { path: '/under/a/b?c=d' }, '200 blue'],
    ['the prefix itself', { path: '/under' }, '200 blue'],
    ['prefixes by whole elements', { path: '/underneath' }, '404 no-route'],
    ['the longest prefix', { path: '/under/deeper/a' }, '200 green'],
    ['paths with their case', { path: '/EXACT' }, '404 no-route'],
    ['a method', { path: '/any', method: 'POST' }, '200 green'],
    ['a path before a method', { path: '/exact', method: 'POST' }, '200 red'],
    ['a query parameter', { path: '/any?x=1&colour=blue' }, '200 blue'],
    ['query parameters by their whole value', { path: '/any?colour=blueish' }, '404 no-route'],
    ['a header field', { path: '/any', headers: { 'X-Team': 'qa' } }, '200 red'],
    ['more header fields first', { path: '/any', headers: { 'x-team': 'qa', 'x-colour': 'graen' } }, '200 green'],
    ['a header before a query', { path: '/any?colour=blue', headers: { 'x-team': 'qa' } }, '200 red'],
    ['nothing of these', { path: '/any', headers: { 'x-team': 'sales' } }, '404 no-route'],
  ];
  let answers: readonly RequestResult[];

  beforeAll(async () => {
    answers = await cluster.requests(
      'shop/web',
      table.map(([, { path, ...plan }]) => ({ ...plan, url: `http://table${path}` })),
    );
  });

  it.each(table.map(([what, , answer], index) => [what, answer, index] as const))('%s: %s', (_, answer, index) => {
    expect(answers[index]?.answers).toEqual({ [answer]: 1 });
  });

  it('edits the header fields of a request on its way', async () => {
    const headers = { 'x-secret': 'hidden', 'x-set': 'by-the-client', 'x-added': 'some' };
    const { last } = await cluster.request('shop/web', { url: 'http://table/edited', headers });
    expect(last.body?.headers).toMatchObject({ 'x-set': 'by-the-route', host: 'table' });
    expect(last.body?.headers['x-added']?.split(/, ?/)).toEqual(['some', 'more']);
    expect(last.body?.headers).not.toHaveProperty('x-secret');
  });

  it("shows the server its client's own address", async () => {
    const { last } = await cluster.request('shop/web', { url: 'http://table/under' });
    expect(last.body?.client).toBe((await cluster.pod('shop', 'web')).ip);
  });
});

describe('answers that the mesh makes', () => {
  it.each([
    ['a request that no rule matches', '/', '404 no-route'],
    ['a backend without endpoints', '/nobody', '503 no-healthy-endpoint'],
    ['an endpoint where nobody listens', '/deaf', '503 connect-failed'],
    ['a server that takes longer than the route allows', '/never', '504 request-timeout'],
  ])('%s', async (_, path, answer) => {
    expect(await cluster.answers('shop/web', `http://table${path}`)).toEqual({ [answer]: 1 });
  });

  it('come for the share of a backend that does not exist, and only for it', async () => {
    cluster.write(
      'half.yaml',
      `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: half, namespace: shop }
spec:
  parentRefs: [{ group: '', kind: Service, name: table, port: 80 }]
  rules:
    - matches: [{ path: { type: PathPrefix, value: /half } }]
      backendRefs: [{ name: red, port: 80, weight: 1 }, { name: not-there, port: 80, weight: 1 }]
`,
    );
    await waitFor('the route acts', 5_000, async () =>
      (await cluster.answers('shop/web', 'http://table/half'))['404 no-route'] === 1 ? undefined : true,
    );
    const { answers } = await cluster.request('shop/web', { url: 'http://table/half', count: 200 });
    expect(Object.keys(answers).sort()).toEqual(['200 red', '500 invalid-backend']);
    expect(Math.abs((answers['200 red'] ?? 0) - 100)).toBeLessThanOrEqual(20);
  });

  it('refuse what is no HTTP on a port with routes', async () => {
    const python = `import socket; s = socket.create_connection(('table', 80), 5); s.sendall(b'SSH-2.0-x\\r\\n\\r\\n'); print(s.recv(4096).decode())`;
    const { stdout } = await cluster.exec('shop/web', ['python3', '-c', python]);
    expect(stdout).toMatch(/^HTTP\/1\.1 400 [^]*tulle-reason: not-http/i);
  });
});

describe('routes of producers and of consumers', () => {
  it("act for the clients of the consumer's namespace, and for everybody else as the producer says", async () => {
    const url = 'http://shared.shop/';
    const [web, tester, clerk] = await Promise.all(
      ['shop/web', 'qa/tester', 'office/clerk'].map((pod) => cluster.answers(pod, url)),
    );
    expect([web, tester, clerk]).toEqual([{ '200 red': 1 }, { '200 mock': 1 }, { '200 red': 1 }]);
  });

  it('may send to the backends of the Service that they are about', async () => {
    expect(await cluster.answers('qa/tester', 'http://lent.shop/')).toEqual({ '200 blue': 1 });
    const described = (await cluster.document('describe', 'route', 'qa/borrowed')) as RouteView;
    expect(described).toMatchObject({ applied: 'applied', parents: [{ role: 'consumer' }] });
  });
});

interface CallPlan {
  readonly path: string;
  readonly count?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

async function calls(pod: string, origin: string, plans: readonly CallPlan[]) {
  return await cluster.execJson<{ answers: Record<string, number>; echoed: string }[]>(pod, [
    'node',
    'calls.mjs',
    origin,
    JSON.stringify(plans),
  ]);
}

describe('gRPC', () => {
  const headers = { 'content-type': 'application/grpc', te: 'trailers' };
  const message = '\0\0\0\0\x05hello';

  it('is routed by method and header, call by call of one connection', async () => {
    const plan = (path: string, more = {}) => ({ path, headers: { ...headers, ...more }, body: message, count: 10 });
    const results = await calls('shop/web', 'http://greeter:90', [
      plan('/shop.Greeter/Hello'),
      plan('/shop.Greeter/Bye'),
      plan('/shop.Greeter/Paint', { 'x-colour': 'green' }),
      plan('/shop.Greeter/Paint'),
      plan('/shop.Other/Hello'),
    ]);
    expect(results.map(({ answers }) => answers)).toEqual([
      { '200 red grpc-status 0': 10 },
      { '200 blue grpc-status 0': 10 },
      { '200 green grpc-status 0': 10 },
      { '200 no-route grpc-status 12': 10 },
      { '200 no-route grpc-status 12': 10 },
    ]);
    expect(results[0]?.echoed).toBe(message);
  });
});

describe('what the CLI says of it', () => {
  it('shows the parts, the nodes and their acknowledged configuration, by its schema', async () => {
    const document = (await cluster.document('status')) as StatusView;
    expect(schemaErrors('status', document)).toEqual([]);
    expect(document.controller).toMatchObject({ state: 'running', source: 'directory' });
    expect(document.nodes.map((node) => node.name)).toEqual(['n1', 'n2']);
    for (const node of document.nodes)
      expect(JSON.stringify(node)).toContain(JSON.stringify(document.controller.configVersion));
  });

  it('shows the requests a second that the pods of a node make, and what part of them went well', async () => {
    const rateOf = async (node: 'n1' | 'n2') =>
      ((await cluster.document('status')) as StatusView).nodes.find(({ name }) => name === node);
    const isQuiet = async (node: 'n1' | 'n2') => (await rateOf(node))?.requestsPerSecond === 0;
    const quiet = async () => ((await isQuiet('n1')) && (await isQuiet('n2')) ? true : undefined);
    await waitFor('what was asked before is no longer counted', 40_000, quiet);
    expect(await rateOf('n1')).not.toHaveProperty('successShare');
    const { answers } = await cluster.request('shop/web', { url: 'http://split/', count: 1_000, concurrency: 8 });
    expect(Object.keys(answers).every((answer) => answer.startsWith('200 '))).toBe(true);
    // A thousand within the time that the rate is of: 16 s at the most, 2 s at the least.
    const { value } = await waitFor('all of them are counted', 20_000, async () => {
      const shown = await rateOf('n1');
      return (shown?.requestsPerSecond ?? 0) >= 1_000 / 17 ? shown : undefined;
    });
    expect(value.requestsPerSecond).toBeLessThanOrEqual(1_000 / 2);
    expect(value.successShare).toBe(1);
    // The servers are on the other node, whose pods asked nothing.
    expect(await rateOf('n2')).toMatchObject({ requestsPerSecond: 0 });
  });

  it('shows which route applies to whom, by its schema', async () => {
    const document = (await cluster.document('describe', 'service', 'shop/shared')) as ServiceView;
    expect(schemaErrors('service', document)).toEqual([]);
    expect(document.routes.map(({ role, namespace, accepted }) => [role, namespace, accepted])).toEqual(
      expect.arrayContaining([
        ['producer', 'shop', true],
        ['consumer', 'qa', true],
      ]),
    );
    const groups = document.ruleGroups.map((group) => [group.clients.text, group.rules[0]?.backends[0]?.service]);
    expect(groups).toHaveLength(2);
    expect(groups.map(([, backend]) => backend)).toEqual(expect.arrayContaining(['shop/red', 'qa/mock']));
  });

  it.each(['shop/table', 'shop/greeter', 'qa/shared-for-qa'])('describes route %s by the schema', async (name) => {
    const document = await cluster.document('describe', 'route', name);
    expect(schemaErrors('route', document)).toEqual([]);
  });

  it('says of a route with a backend that is not there which one', async () => {
    const route = (await cluster.document('describe', 'httproute', 'shop/half')) as RouteView;
    const resolved = route.parents[0]?.conditions.find(({ type }) => type === 'ResolvedRefs');
    expect(resolved).toMatchObject({ status: 'False', reason: 'BackendNotFound' });
    expect(resolved?.message).toContain('not-there');
    expect(route.parents[0]?.conditions).toContainEqual(
      expect.objectContaining({ type: 'Accepted', status: 'True', reason: 'Accepted' }),
    );
  });

  it('shows a valid certificate for the identity of every pod that is captured, by its schema', async () => {
    const document = (await cluster.document('certificates')) as CertificatesView;
    expect(schemaErrors('certificates', document)).toEqual([]);
    const { pods } = await cluster.status();
    const identities = pods.map((pod) => `${pod.node} spiffe://cluster.local/ns/${pod.namespace}/sa/${pod.name}`);
    expect(document.certificates.map(({ node, identity }) => `${node} ${identity}`).sort()).toEqual(identities.sort());
    expect(document.certificates.every(({ state }) => state === 'valid')).toBe(true);
    expect(document.roots).toHaveLength(1);
  });

  it('fails with status 1 for what is not there, and 2 for a wrong call', async () => {
    const missing = await cluster.tulle(['describe', 'route', 'shop/no-such', '--playground', cluster.name]);
    expect(missing).toMatchObject({ status: 1, stderr: expect.stringContaining('no-such') });
    expect(await cluster.tulle(['describe', 'nonsense'])).toMatchObject({ status: 2 });
  });
});
