import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { nothing, TestPlayground } from './fixture.ts';
import { countProgram, echoProgram, udpProgram } from './programs.ts';

jest.setTimeout(60_000);

const deployment = (name: string, replicas: number, more = '', labels = '') => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name}, namespace: shop }
spec:
  replicas: ${replicas}
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name}${labels} } }
    spec:
      containers:
        - name: main
          command: [node, echo.mjs]
          ports: [{ name: http, containerPort: 8080 }]
          ${more}
`;

const service = (name: string, spec: string) => `
---
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: shop }
spec: ${spec}
`;

const client = `
apiVersion: v1
kind: Pod
metadata: { name: client, namespace: shop }
spec:
  nodeName: n2
  containers:
    - name: main
      command: [sleep, infinity]
      env: [{ name: GREETING, value: hello from $(WHO) }, { name: WHO, valueFrom: { fieldRef: { fieldPath: metadata.name } } }]
`;

const cartService = service(
  'cart',
  '{ clusterIP: 10.96.5.5, selector: { app: cart }, ports: [{ name: http, port: 80, targetPort: http }, { name: udp, port: 53, protocol: UDP, targetPort: 8080 }] }',
);

describe('a playground without a mesh', () => {
  let playground: TestPlayground;

  beforeAll(() => {
    playground = new TestPlayground('plain');
    playground.write('echo.mjs', echoProgram);
    playground.write('count.mjs', countProgram);
    playground.write('udp.mjs', udpProgram);
    playground.write('client.yaml', client);
    playground.write('cart.yaml', deployment('cart', 3) + cartService);
    playground.write('nobody.yaml', service('nobody', '{ selector: { app: nobody }, ports: [{ port: 80 }] }'));
    playground.write(
      'direct.yaml',
      service('direct', '{ clusterIP: None, selector: { app: cart }, ports: [{ port: 8080 }] }'),
    );
    const up = playground.up();
    expect(up).toMatchObject({ status: 0, stderr: '' });
  });

  afterAll(() => playground[Symbol.dispose]());

  /** How often each answer came to requests from the client's pod. */
  const count = (url: string, times: number): { [answer: string]: number } =>
    JSON.parse(playground.exec('shop/client', 'node', 'count.mjs', url, String(times))) as { [answer: string]: number };

  it('shows its nodes, pods and Services', () => {
    const status = playground.status();
    expect(status.nodes.map(({ name, address }) => [name, address])).toEqual([
      ['n1', '10.89.0.11'],
      ['n2', '10.89.0.12'],
    ]);
    expect(status.pods).toHaveLength(4);
    expect(status.pods.find((pod) => pod.name === 'client')).toMatchObject({
      node: 'n2',
      phase: 'Running',
      captured: false,
    });
    expect(new Set(status.pods.filter((pod) => pod.deployment === 'cart').map((pod) => pod.node))).toEqual(
      new Set(['n1', 'n2']),
    );
    expect(status.services).toContainEqual({ namespace: 'shop', name: 'cart', clusterIP: '10.96.5.5' });
    expect(status.ready).toBe(true);
  });

  it('gives each endpoint of a Service an equal share, on either node, by name', () => {
    const answers = count('http://cart/', 600);
    const cart = playground.status().pods.filter((pod) => pod.deployment === 'cart');
    expect(Object.keys(answers).sort()).toEqual(cart.map((pod) => pod.name).sort());
    // Six standard deviations of a fair draw: sqrt(600 * 1/3 * 2/3) = 11.5.
    for (const times of Object.values(answers)) expect(Math.abs(times - 200)).toBeLessThan(70);
  });

  it.each(['cart.shop', 'cart.shop.svc', 'cart.shop.svc.cluster.local', '10.96.5.5'])(
    'knows the Service as %s',
    (host) => {
      expect(Object.keys(count(`http://${host}/`, 1))[0]).toMatch(/^cart-/);
    },
  );

  it('carries UDP to a Service, and resolves a headless one to its pods', () => {
    expect(playground.exec('shop/client', 'node', 'udp.mjs', 'cart', '53')).toMatch(/^cart-/);
    const addresses = playground.exec('shop/client', 'getent', 'ahostsv4', 'direct').match(/^[\d.]+(?=\s+STREAM)/gm);
    const pods = playground.status().pods.filter((pod) => pod.deployment === 'cart');
    expect(addresses?.sort()).toEqual(pods.map((pod) => pod.ip).sort());
  });

  it('lets a pod reach itself through its Service', () => {
    const answers = JSON.parse(playground.exec('shop/cart', 'node', 'count.mjs', 'http://cart/', '60')) as object;
    expect(Object.keys(answers)).toHaveLength(3);
  });

  it("lets a node's own programs reach Services, too", () => {
    const { nodes } = playground.status();
    expect(nodes).toHaveLength(2);
    for (const node of nodes)
      expect(playground.inNetns(node.netns, 'curl', '-sS', '-m', '3', 'http://10.96.5.5/')).toMatch(/^cart-/);
  });

  it('refuses at once what leads nowhere', () => {
    expect(count('http://nobody/', 3)).toEqual({ 'ERROR ECONNREFUSED': 3 });
    const unreachable = Object.keys(count('http://192.0.2.1/', 3));
    expect(unreachable).toHaveLength(1);
    expect(unreachable[0]).toMatch(/^ERROR (ENETUNREACH|EHOSTUNREACH)$/);
    expect(Object.keys(count('http://no-such-name/', 1))).toEqual(['ERROR ENOTFOUND']);
  });

  it("runs a program in a pod: its input, its exit status, its signals, the pod's name, variables and privileges", async () => {
    expect(playground.tulle('exec', ['shop/client', '--', 'cat'], 'from outside\n')).toMatchObject({
      status: 0,
      stdout: 'from outside\n',
    });
    expect(playground.tulle('exec', ['shop/client', '--', 'sh', '-c', 'echo oops >&2; exit 42'])).toMatchObject({
      status: 42,
      stderr: 'oops\n',
    });
    expect(playground.exec('shop/client', 'sh', '-c', 'hostname; echo "$GREETING"; pwd')).toBe(
      `client\nhello from $(WHO)\n${playground.manifests}\n`,
    );
    expect(playground.exec('shop/client', 'grep', 'CapEff', '/proc/self/status')).toBe('CapEff:\t00000000a80425fb\n');
    const sleeper = playground.start('exec', ['shop/client', '--', 'sh', '-c', 'echo ready; exec sleep 60']);
    await once(sleeper.stdout, 'data');
    sleeper.kill('SIGTERM');
    expect(await once(sleeper, 'exit')).toEqual([null, 'SIGTERM']);
  });

  it('regression: exec gave programs standard streams that do not block, so that slow readers and writers lost data', async () => {
    const script = 'echo reading >&2; cat; echo writing >&2; head -c 1000000 /dev/zero';
    const program = playground.start('exec', ['shop/client', '--', 'sh', '-c', script]);
    const ended = once(program, 'exit');
    // Its input is not there yet when it reads, and nobody reads yet what it writes.
    await once(program.stderr, 'data');
    program.stdin.end('late\n');
    await once(program.stderr, 'data');
    let bytes = 0;
    for await (const chunk of program.stdout) bytes += (chunk as Buffer).length;
    expect(bytes).toBe('late\n'.length + 1_000_000);
    expect(await ended).toEqual([0, null]);
  });

  it('says what there is when a pod or a program is not', () => {
    expect(playground.tulle('exec', ['shop/nope', '--', 'ls'])).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('shop/cart'),
    });
    expect(playground.tulle('exec', ['shop/client', '--', 'no-such-program']).status).toBe(127);
  });

  it('changes labels without starting anything again, and Services follow', async () => {
    const before = playground.status().pods.filter((pod) => pod.deployment === 'cart');
    playground.write('cart.yaml', deployment('cart', 3, '', ', tulle.dev/mesh: enabled') + cartService);
    playground.write(
      'labelled.yaml',
      service('labelled', '{ selector: { tulle.dev/mesh: enabled }, ports: [{ port: 80, targetPort: 8080 }] }'),
    );
    await playground.until(({ services }) => services.some((each) => each.name === 'labelled'));
    expect(Object.keys(count('http://labelled/', 100))).toHaveLength(3);
    const after = playground.status().pods.filter((pod) => pod.deployment === 'cart');
    expect(after.map(({ uid, restarts }) => [uid, restarts])).toEqual(before.map(({ uid }) => [uid, 0]));
  });

  it('replaces pods without a failed request, and changes their number', async () => {
    const requests = playground.start('exec', ['shop/client', '--', 'node', 'count.mjs', 'http://cart/', '3000']);
    let answers = '';
    requests.stdout.setEncoding('utf8').on('data', (text: string) => (answers += text));
    const ended = once(requests, 'exit');
    playground.write('cart.yaml', deployment('cart', 2, 'env: [{ name: VERSION, value: two }]') + cartService);
    const { pods } = await playground.until((status) => {
      const cart = status.pods.filter((pod) => pod.deployment === 'cart');
      return cart.length === 2 && cart.every((pod) => pod.ready);
    });
    await ended;
    const seen = Object.keys(JSON.parse(answers) as object);
    expect(seen.filter((answer) => answer.startsWith('ERROR') || answer.startsWith('HTTP'))).toEqual([]);
    const now = pods.filter((pod) => pod.deployment === 'cart').map((pod) => `${pod.name} two`);
    expect(Object.keys(count('http://cart/', 50)).sort()).toEqual(now.sort());
  });

  it('leads to pods only while their probe succeeds', async () => {
    const probe = 'readinessProbe: { httpGet: { path: /health, port: http }, periodSeconds: 1, failureThreshold: 1 }';
    playground.write(
      'probed.yaml',
      deployment('probed', 1, probe) +
        service('probed', '{ selector: { app: probed }, ports: [{ port: 80, targetPort: http }] }'),
    );
    await playground.until(({ pods }) => pods.some((pod) => pod.deployment === 'probed' && pod.ready));
    expect(Object.keys(count('http://probed/break', 1))[0]).toMatch(/^probed-/);
    const { pods } = await playground.until((status) =>
      status.pods.some((pod) => pod.deployment === 'probed' && !pod.ready),
    );
    const probed = pods.find((pod) => pod.deployment === 'probed');
    expect(probed?.reason).toBe('HTTP probe failed with status code 503');
    expect(count('http://probed/', 2)).toEqual({ 'ERROR ECONNREFUSED': 2 });
    count(`http://${probed?.ip}:8080/mend`, 1);
    await playground.until((status) => status.pods.some((pod) => pod.deployment === 'probed' && pod.ready));
    playground.remove('probed.yaml');
    await playground.until((status) => status.pods.every((pod) => pod.deployment !== 'probed'));
  });

  it("gives pods files at paths that the machine does not have, and leaves the machine's alone", async () => {
    playground.write(
      'files.yaml',
      `
apiVersion: v1
kind: ConfigMap
metadata: { name: files, namespace: shop }
data: { page: first }
---
apiVersion: v1
kind: Pod
metadata: { name: files, namespace: shop }
spec:
  volumes: [{ name: config, configMap: { name: files } }, { name: scratch, emptyDir: {} }]
  initContainers: [{ name: init, command: [sh, -c, 'echo $POD > /tulle-test-scratch/made'], env: [{ name: POD, value: by-init }], volumeMounts: [{ name: scratch, mountPath: /tulle-test-scratch }] }]
  containers:
    - name: main
      command: [sleep, infinity]
      volumeMounts: [{ name: config, mountPath: /etc/tulle-test/deep }, { name: scratch, mountPath: /tulle-test-scratch }]
`,
    );
    await playground.until(({ pods }) => pods.some((pod) => pod.name === 'files' && pod.ready));
    const read = (): string =>
      playground.exec('shop/files', 'cat', '/etc/tulle-test/deep/page', '/tulle-test-scratch/made', '/etc/hostname');
    expect(read()).toBe(`firstby-init\n${readFileSync('/etc/hostname', 'utf8')}`);
    expect(playground.exec('shop/files', 'getent', 'hosts', 'cart')).toContain('10.96.5.5');
    expect(() => readFileSync('/etc/tulle-test/deep/page')).toThrow('ENOENT');
    expect(() => readFileSync('/tulle-test-scratch/made')).toThrow('ENOENT');
    playground.write(
      'files.yaml',
      readFileSync(`${playground.manifests}/files.yaml`, 'utf8').replace('first', 'second'),
    );
    await playground.untilTrue(() => read().startsWith('second'));
    expect(playground.status().pods.find((pod) => pod.name === 'files')?.restarts).toBe(0);
  });

  it('keeps the last good version of what becomes invalid, and says where it is', async () => {
    const uids = () => playground.status().pods.map((pod) => pod.uid);
    const before = uids();
    playground.write('client.yaml', client.replace('command: [sleep, infinity]', 'hostPort: x'));
    const { problems } = await playground.until((status) => status.problems.length > 0);
    expect(problems[0]).toMatchObject({ severity: 'error', file: 'client.yaml', object: 'Pod shop/client' });
    playground.write('client.yaml', 'kind: [');
    await playground.until((status) => status.problems.some((problem) => problem.object === undefined));
    expect(uids()).toEqual(before);
    playground.write('client.yaml', client);
    await playground.until((status) => status.problems.length === 0);
    expect(uids()).toEqual(before);
  });

  it('starts again what ends, later and later, and shows it with its log', async () => {
    playground.write(
      'crash.yaml',
      '{ apiVersion: v1, kind: Pod, metadata: { name: crash, namespace: shop }, spec: { containers: [{ name: main, command: [sh, -c, "echo falling; exit 3"] }] } }',
    );
    const { pods } = await playground.until((status) =>
      status.pods.some((pod) => pod.restarts >= 2 && pod.phase === 'CrashLoopBackOff'),
    );
    expect(pods.find((pod) => pod.name === 'crash')?.reason).toBe('container main ended: exit status 3');
    expect(playground.tulle('logs', ['shop/crash', '--tail', '1']).stdout).toBe('falling\n');
    playground.remove('crash.yaml');
    await playground.until((status) => status.pods.every((pod) => pod.name !== 'crash'));
  });

  it('follows a log', async () => {
    const follower = playground.start('logs', ['shop/cart', '-f']);
    const pod = playground.status().pods.find((each) => each.deployment === 'cart');
    const line = once(follower.stdout.setEncoding('utf8'), 'data');
    playground.appendToLog(pod?.uid ?? '', 'a new line\n');
    expect(await line).toEqual(['a new line\n']);
    follower.kill();
    await once(follower, 'exit');
  });

  it('says that it runs already, unless the same is asked for', () => {
    expect(playground.up()).toMatchObject({ status: 0, stdout: expect.stringContaining('shop/cart') });
    expect(playground.tulle('up', ['/usr', '--no-mesh'])).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('is running already'),
    });
  });

  it('runs beside another one with the same addresses', () => {
    using other = new TestPlayground('other', playground.root);
    other.write('echo.mjs', echoProgram);
    other.write('count.mjs', countProgram);
    other.write('cart.yaml', deployment('cart', 1, 'env: [{ name: VERSION, value: other }]') + cartService);
    expect(other.up()).toMatchObject({ status: 0 });
    expect(Object.keys(count('http://cart/', 20)).every((answer) => answer.endsWith(' two'))).toBe(true);
    expect(other.exec('shop/cart', 'node', 'count.mjs', 'http://cart/', '5')).toMatch(/ other":5/);
    expect(other.tulle('down')).toMatchObject({ status: 0 });
    expect(playground.status().ready).toBe(true);
  });
});

describe('the end of a playground', () => {
  function started(name: string): TestPlayground {
    const playground = new TestPlayground(name);
    playground.write('echo.mjs', echoProgram);
    playground.write('cart.yaml', deployment('cart', 2) + cartService);
    expect(playground.up()).toMatchObject({ status: 0 });
    return playground;
  }

  it('leaves nothing behind, also when it is asked for twice', () => {
    using playground = started('ends');
    const namespaces = playground.namespaces();
    expect(playground.remains(namespaces).processes.length).toBeGreaterThan(4);
    expect(playground.tulle('down')).toMatchObject({ status: 0 });
    expect(playground.remains(namespaces)).toEqual(nothing);
    expect(playground.tulle('down')).toMatchObject({ status: 0, stdout: 'there is no playground ends\n' });
  });

  it('leaves nothing behind after its supervisor was killed', () => {
    using playground = started('crashes');
    const namespaces = playground.namespaces();
    process.kill(playground.supervisorPid(), 'SIGKILL');
    expect(playground.tulle('status')).toMatchObject({ status: 1, stderr: expect.stringContaining('has ended') });
    expect(playground.tulle('down')).toMatchObject({ status: 0 });
    expect(playground.remains(namespaces)).toEqual(nothing);
  });

  it('is followed by a new one that cleans up first', () => {
    using playground = started('again');
    const before = playground.status().pods.map((pod) => pod.uid);
    const processes = playground.remains().processes;
    process.kill(playground.supervisorPid(), 'SIGKILL');
    expect(playground.up()).toMatchObject({ status: 0, stdout: expect.stringContaining('clean-up') });
    expect(playground.status().pods.map((pod) => pod.uid)).not.toEqual(before);
    // Not by namespace: the kernel gives the new ones the numbers of the old.
    expect(playground.remains().processes.filter((each) => processes.includes(each))).toEqual([]);
  });

  it('comes even to programs that do not listen to signals', () => {
    using playground = new TestPlayground('stubborn');
    playground.write(
      'pod.yaml',
      '{ apiVersion: v1, kind: Pod, metadata: { name: deaf, namespace: shop }, spec: { containers: [{ name: main, command: [sh, -c, "trap : TERM; (trap : TERM; while :; do sleep 1; done) & while :; do sleep 1; done"] }] } }',
    );
    expect(playground.up()).toMatchObject({ status: 0 });
    const namespaces = playground.namespaces();
    expect(playground.tulle('down')).toMatchObject({ status: 0 });
    expect(playground.remains(namespaces)).toEqual(nothing);
  });
});

describe('manifests with mistakes', () => {
  it('are named with their place, and the rest runs', () => {
    using playground = new TestPlayground('mistakes');
    playground.write('echo.mjs', echoProgram);
    playground.write(
      'cart.yaml',
      deployment('cart', 1) + cartService + service('twin', '{ clusterIP: 10.96.5.5, ports: [{ port: 80 }] }'),
    );
    playground.write('web.yaml', deployment('web', 1).replace('command: [node, echo.mjs]', 'image: web:v1'));
    playground.write('set.yaml', deployment('db', 1).replace('kind: Deployment', 'kind: StatefulSet'));
    playground.write('broken.yaml', 'kind: [\n');
    const { status, stderr } = playground.up();
    expect(status).toBe(1);
    const lines = stderr.trim().split('\n');
    expect(lines).toHaveLength(4);
    expect(stderr).toMatch(/^broken\.yaml:\d+: /m);
    expect(stderr).toContain(
      'Service shop/twin: spec.clusterIP: 10.96.5.5 is already the address of Service shop/cart',
    );
    expect(stderr).toMatch(/^set\.yaml:\d+: StatefulSet shop\/db: is not supported in a playground/m);
    expect(stderr).toMatch(
      /^web\.yaml:\d+: Deployment shop\/web: spec\.template\.spec\.containers\[0\]\.command: is required/m,
    );
    expect(playground.status().pods).toMatchObject([{ deployment: 'cart', ready: true }]);
  });

  it('do not keep a pod that never becomes ready from being waited for in vain', () => {
    using playground = new TestPlayground('fails');
    playground.write(
      'pod.yaml',
      '{ apiVersion: v1, kind: Pod, metadata: { name: once, namespace: shop }, spec: { restartPolicy: Never, containers: [{ name: main, command: [sh, -c, "exit 3"] }] } }',
    );
    expect(playground.up()).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('pod shop/once: container main ended: exit status 3'),
    });
  });
});
