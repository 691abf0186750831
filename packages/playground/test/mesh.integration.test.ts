import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { nothing, TestPlayground } from './fixture.ts';
import { countProgram, echoProgram } from './programs.ts';

jest.setTimeout(60_000);

const namespace = (mesh: string) => `
apiVersion: v1
kind: Namespace
metadata: { name: shop, labels: { tulle.dev/mesh: ${mesh} } }
`;

const shop = `
apiVersion: v1
kind: Service
metadata: { name: cart, namespace: shop }
spec: { selector: { app: cart }, ports: [{ port: 80, targetPort: 8080, appProtocol: http }] }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: cart, namespace: shop }
spec:
  replicas: 2
  selector: { matchLabels: { app: cart } }
  template:
    metadata: { labels: { app: cart } }
    spec: { containers: [{ name: main, command: [node, echo.mjs], ports: [{ containerPort: 8080 }] }] }
---
apiVersion: v1
kind: Pod
metadata: { name: client, namespace: shop }
spec: { containers: [{ name: main, command: [sleep, infinity] }] }
`;

describe('a playground with a mesh', () => {
  let playground: TestPlayground;

  beforeAll(() => {
    playground = new TestPlayground('mesh');
    playground.write('echo.mjs', echoProgram);
    playground.write('count.mjs', countProgram);
    playground.write('namespace.yaml', namespace('enabled'));
    playground.write('shop.yaml', shop);
    expect(playground.tulle('up', [playground.manifests, '--workers', '1'])).toMatchObject({ status: 0, stderr: '' });
  });

  afterAll(() => playground[Symbol.dispose]());

  const answers = (): { [answer: string]: number } =>
    JSON.parse(playground.exec('shop/client', 'node', 'count.mjs', 'http://cart/', '20')) as {
      [answer: string]: number;
    };

  const allFromCart = (seen: { [answer: string]: number }): boolean =>
    Object.keys(seen).every((each) => each.startsWith('cart-'));

  it('comes back when every pod is captured and works', () => {
    expect(playground.status().pods.map((pod) => pod.captured)).toEqual([true, true, true]);
    expect(allFromCart(answers())).toBe(true);
  });

  it("shows where the authority's files are", () => {
    const { ca } = playground.status();
    expect(readFileSync(ca.bundle, 'utf8')).toContain('BEGIN CERTIFICATE');
    expect(readFileSync(ca.rootKey, 'utf8')).toContain('PRIVATE KEY');
  });

  it('lets pods leave and join by a label, without starting them again', async () => {
    const uids = playground.status().pods.map((pod) => pod.uid);
    playground.write('namespace.yaml', namespace('disabled'));
    await playground.until(({ pods }) => pods.every((pod) => !pod.captured));
    expect(allFromCart(answers())).toBe(true);
    playground.write('namespace.yaml', namespace('enabled'));
    const { pods } = await playground.until((status) => status.pods.every((pod) => pod.captured));
    expect(pods.map((pod) => [pod.uid, pod.restarts])).toEqual(uids.map((uid) => [uid, 0]));
  });

  it('captures a new pod before its program starts', async () => {
    playground.write(
      'early.yaml',
      `
apiVersion: v1
kind: Pod
metadata: { name: early, namespace: shop }
spec: { containers: [{ name: main, command: [sh, -c, 'grep -c :3A99 /proc/net/tcp; sleep infinity'] }] }
`,
    );
    await playground.until(({ pods }) => pods.some((pod) => pod.name === 'early' && pod.ready));
    // The agent listens on port 15001 (3A99 in hexadecimal) in the pod when the program looks for the first time.
    expect(Number(playground.tulle('logs', ['shop/early']).stdout)).toBeGreaterThan(0);
  });

  it.each(['mesh-controller/src/main.ts', 'agent/src/main.ts --node n1'])(
    'starts %s again when it is killed',
    async (program) => {
      const process1 = playground.findProcess(program);
      process.kill(process1, 'SIGKILL');
      await playground.untilTrue(() => ![undefined, process1].includes(playground.findProcessOrNone(program)));
      await playground.until(({ pods }) => pods.every((pod) => pod.captured));
      await playground.untilTrue(() => allFromCart(answers()));
    },
  );

  it('regression: the status did not name what the controller finds wrong', async () => {
    playground.write(
      'nowhere.yaml',
      `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: nowhere, namespace: shop }
spec: { parentRefs: [{ group: '', kind: Service, name: carts }] }
`,
    );
    const { problems, ready } = await playground.until((status) => status.problems.length > 0);
    expect(problems).toEqual([
      {
        severity: 'error',
        object: 'HTTPRoute shop/nowhere',
        file: 'nowhere.yaml',
        line: 2,
        message: expect.stringContaining('there is no Service "carts" in namespace "shop"'),
      },
    ]);
    expect(ready).toBe(false);
    playground.remove('nowhere.yaml');
    await playground.until((status) => status.ready);
  });

  it('leaves nothing behind', () => {
    const namespaces = playground.namespaces();
    expect(playground.tulle('down')).toMatchObject({ status: 0 });
    expect(playground.remains(namespaces)).toEqual(nothing);
  });
});

describe('a playground whose controller cannot start', () => {
  it('regression: up waited out its minute and said only the exit status', () => {
    using playground = new TestPlayground('unstartable');
    playground.write('shop.yaml', shop);
    const began = performance.now();
    const up = playground.tulle('up', [playground.manifests, '--trust-domain', 'not a domain', '--timeout', '50']);
    expect(performance.now() - began).toBeLessThan(25_000);
    expect(up.status).toBe(1);
    expect(up.stderr).toMatch(
      /^controller: it keeps ending \(exit status \d\); it said last:\n {2}error: .*'not a domain' is invalid/,
    );
    expect(playground.tulle('down').status).toBe(0);
  });
});
