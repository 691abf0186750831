import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { createColors } from 'picocolors';
import { readFileSync } from 'node:fs';
import { buildProgram, runCli, type CliContext } from '../src/index.ts';
import { registerAnalyze } from '../src/commands/analyze.ts';
import { registerTranslate } from '../src/commands/translate.ts';
import { FakeApiServer, type FakeResource } from '@tulle/testkit';
import { parse, parseAllDocuments } from 'yaml';
import { temporaryDirectory } from './fake-controller.ts';

const gateway = 'gateway.networking.k8s.io/v1';

afterEach(() => {
  process.exitCode = undefined;
});

/** Runs `tulle analyze` on files with these texts; the directory is left out of what it printed. */
async function analyze(files: Readonly<Record<string, string>>, ...more: string[]) {
  await using directory = await temporaryDirectory();
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(directory.path, name, '..'), { recursive: true });
    await writeFile(join(directory.path, name), text);
  }
  const args = more.includes('-f') ? more : ['-f', directory.path, ...more];
  const { out, ...rest } = await tulle(['analyze', ...args]);
  return { ...rest, out: out.replaceAll(`${directory.path}/`, '') };
}

/** Runs `tulle` with this command in it; what ended with 1 before does not count for it. */
async function tulle(args: readonly string[]) {
  process.exitCode = undefined;
  let out = '';
  let err = '';
  const context: CliContext = {
    env: {},
    colors: createColors(false),
    print: (text) => void (out += text),
    printError: (text) => void (err += text),
  };
  const program = buildProgram(context, [
    (command) => registerAnalyze(command, context),
    (command) => registerTranslate(command, context),
  ]);
  const status = await runCli(program, args, context);
  return { status, out, err };
}

const namespace = (name: string, mesh = 'enabled') => `
apiVersion: v1
kind: Namespace
metadata: { name: ${name}, labels: { tulle.dev/mesh: ${mesh} } }
`;
const cart = `
apiVersion: v1
kind: Service
metadata: { name: cart, namespace: shop }
spec: { selector: { app: cart }, ports: [{ port: 80 }] }
`;
const route = (rules: string, name = 'r', inNamespace = 'shop') => `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: ${name}, namespace: ${inNamespace} }
spec:
  parentRefs: [{ group: '', kind: Service, name: cart, namespace: shop }]
  rules:
${rules}
`;
const toCart = '    - backendRefs: [{ name: cart, namespace: shop, port: 80 }]';
const whole = [namespace('shop'), cart, route(toCart)].join('---');

describe('tulle translate', () => {
  it('prints what agents would be told and the statuses, the same each time, without secrets', async () => {
    await using directory = await temporaryDirectory();
    const secret = `    - filters:
        - { type: RequestHeaderModifier, requestHeaderModifier: { set: [{ name: Authorization, value: hush }] } }
      backendRefs: [{ name: cart, port: 80 }]`;
    await writeFile(join(directory.path, 'a.yaml'), [namespace('shop'), cart, route(secret)].join('---'));
    const run = await tulle(['translate', '-f', directory.path]);
    expect([run.status, run.err]).toEqual([0, '']);
    expect(parse(run.out)).toMatchObject({
      services: { 'shop/cart': { ports: [{ port: 80, routeKind: 'http' }] } },
      routes: { 'shop/cart:80': { producer: { kind: 'http' } } },
      statuses: { 'HTTPRoute/shop/r': [{ controllerName: 'tulle.dev/mesh-controller' }] },
      problems: [],
    });
    expect(run.out).toContain('[redacted]');
    expect(run.out).not.toContain('hush');
    expect(await tulle(['translate', '-f', directory.path])).toEqual(run);
    await writeFile(join(directory.path, 'b.yaml'), 'kind: 5');
    const broken = await tulle(['translate', '-f', directory.path]);
    expect([broken.status, broken.out]).toEqual([1, run.out]);
    expect(broken.err).toContain('b.yaml:1: error: ');
  });
});

describe('tulle analyze', () => {
  it('finds nothing in manifests that are right, and ends with 0', async () => {
    expect(await analyze({ 'shop.yaml': whole })).toEqual({
      status: 0,
      out: 'no problems in 3 objects of 1 file\n',
      err: '',
    });
  });

  it('names the line of a backend that is not there, and of a port that is not', async () => {
    const rules = '    - backendRefs:\n        - { name: carts, port: 80 }\n        - { name: cart, port: 81 }';
    const { status, out } = await analyze({
      'a/base.yaml': [namespace('shop'), cart].join('---'),
      'b.yaml': route(rules),
    });
    expect(out).toBe(`\
b.yaml:9: error: HTTPRoute shop/r: rules[0].backendRefs[0]: there is no Service "carts" in namespace "shop" (did you mean "cart"?)
b.yaml:10: error: HTTPRoute shop/r: rules[0].backendRefs[1]: Service "shop/cart" has no port 81, it has only port 80
2 errors, 0 warnings in 3 objects of 2 files
`);
    expect(status).toBe(1);
  });

  it('finds routes of kinds that exclude each other', async () => {
    const grpc = route(toCart, 'g').replace('HTTPRoute', 'GRPCRoute');
    const { status, out } = await analyze({ 'shop.yaml': [whole, grpc].join('---') });
    expect(out).toContain(
      'shop.yaml:11: error: HTTPRoute shop/r: not on port 80: GRPCRoute "shop/g" is attached there',
    );
    expect(status).toBe(1);
  });

  it('finds rules that nothing reaches; a warning alone is no failure', async () => {
    const { status, out } = await analyze({
      'shop.yaml': [namespace('shop'), cart, route(`${toCart}\n${toCart}`)].join('---'),
    });
    expect(out).toContain('warning: HTTPRoute shop/r: rules[1]: no request gets here, rules[0] comes before it');
    expect(out).toContain('0 errors, 1 warning');
    expect(status).toBe(0);
  });

  it('finds routes that act on nobody, since no client is in the mesh', async () => {
    const consumer = [namespace('shop'), namespace('qa', 'disabled'), cart, route(toCart, 'r', 'qa')].join('---');
    expect((await analyze({ 'a.yaml': consumer })).out).toContain(
      'warning: HTTPRoute qa/r: has no effect: it acts on clients in namespace "qa" only, and none of them is in the mesh',
    );
    const producer = [namespace('shop', 'disabled'), cart, route(toCart)].join('---');
    expect((await analyze({ 'a.yaml': producer })).out).toContain('has no effect: no namespace is in the mesh');
    // Namespaces that the manifests do not hold may well be in the mesh.
    expect((await analyze({ 'a.yaml': [cart, route(toCart, 'r', 'qa')].join('---') })).out).toContain('no problems');
  });

  const policy = (spec: string) => `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: only-web, namespace: shop }
spec:
  podSelector: { matchLabels: { app: cart } }
${spec}
`;
  const pod = `
apiVersion: v1
kind: Pod
metadata: { name: cart-1, namespace: shop, labels: { app: cart } }
spec: { containers: [{ name: c }] }
`;

  it('finds network policies that keep tunnels out', async () => {
    const ingress = policy('  ingress:\n    - ports:\n        - { port: 8080 }');
    const { status, out } = await analyze({ 'a.yaml': [whole, pod].join('---'), 'np.yaml': ingress });
    expect(out).toContain(
      'np.yaml:9: error: NetworkPolicy shop/only-web: spec.ingress[0].ports: lets in 8080, but not port 15008',
    );
    expect(status).toBe(1);
    const egress = policy('  egress:\n    - ports: [{ port: 443 }]');
    expect((await analyze({ 'a.yaml': [whole, pod].join('---'), 'np.yaml': egress })).out).toContain('lets out to 443');
  });

  it.each([
    ['has the port in a range', '  ingress: [{ ports: [{ port: 15000, endPort: 15010 }] }]'],
    ['names no ports', '  ingress: [{ from: [{ podSelector: {} }] }]'],
    ['lets nothing in on purpose', '  policyTypes: [Ingress]'],
    ['is about DNS only', '  egress: [{ ports: [{ port: 53, protocol: UDP }, { port: 53 }] }]'],
  ])('finds nothing in a network policy that %s', async (_, spec) => {
    expect((await analyze({ 'a.yaml': [whole, pod, policy(spec)].join('---') })).out).toContain('no problems');
  });

  it('finds nothing in a network policy of pods that are not in the mesh', async () => {
    const other = policy('  ingress: [{ ports: [{ port: 80 }] }]').replace('app: cart', 'app: other');
    expect((await analyze({ 'a.yaml': [whole, pod, other].join('---') })).out).toContain('no problems');
  });

  it('names mistakes that an API server would refuse, and objects that are there twice', async () => {
    const files = {
      'a.yaml': whole,
      'b.yaml': cart,
      'c.yaml': route('    - backendRefs: [{ name: cart, port: 80, weight: -1 }]', 'x'),
    };
    const { status, out } = await analyze(files);
    expect(out).toMatch(/^b\.yaml:2: error: Service shop\/cart: is already defined at .*a\.yaml:\d+$/m);
    expect(out).toMatch(/^c\.yaml:8: error: HTTPRoute shop\/x: spec\.rules\[0\]\.backendRefs\[0\]\.weight: -1 /m);
    expect(status).toBe(1);
  });

  it('prints a document with the fields of its schema', async () => {
    const { out } = await analyze(
      { 'a.yaml': [whole, route('    - backendRefs: [{ name: no, port: 1 }]', 'x')].join('---') },
      '-o',
      'json',
    );
    const document: unknown = JSON.parse(out);
    const path = join(import.meta.dirname, '../../../docs/cli/analysis.schema.json');
    const schema = JSON.parse(readFileSync(path, 'utf8')) as { properties: object; required: string[] };
    expect(Object.keys(document as object).sort()).toEqual(Object.keys(schema.properties).sort());
    expect(Object.keys(document as object)).toEqual(expect.arrayContaining(schema.required));
    expect(document).toMatchObject({
      kind: 'Analysis',
      objects: 4,
      problems: expect.arrayContaining([
        expect.objectContaining({
          code: 'BackendNotFound',
          object: { kind: 'HTTPRoute', namespace: 'shop', name: 'x' },
        }),
      ]) as unknown,
    });
  });

  it('finds every rule of a network policy that keeps tunnels out, but not where another rule lets them in', async () => {
    const from = (name: string) => `from: [{ podSelector: { matchLabels: { app: ${name} } } }]`;
    const rules = (...list: string[]) => policy(`  ingress:\n${list.map((one) => `    - { ${one} }`).join('\n')}`);
    const lines = async (text: string) =>
      [
        ...(await analyze({ 'a.yaml': [whole, pod].join('---'), 'np.yaml': text })).out.matchAll(/ingress\[(\d)\]/g),
      ].map(([, index]) => index);
    const [http, tunnel] = ['ports: [{ port: 80 }]', 'ports: [{ port: 15008 }]'];
    expect(await lines(rules(`${from('web')}, ${http}`, `${from('qa')}, ${http}`))).toEqual(['0', '1']);
    expect(await lines(rules(`${from('web')}, ${http}`, `${from('web')}, ${tunnel}`))).toEqual([]);
    expect(await lines(rules(`${from('web')}, ${http}`, `${from('qa')}, ${tunnel}`))).toEqual(['0']);
    expect(await lines(rules(`${from('web')}, ${http}`, tunnel))).toEqual([]);
  });

  it('says what the standard channel does not take', async () => {
    const udp = route(toCart, 'u').replace('HTTPRoute', 'TCPRoute').replace('/v1', '/v1alpha2');
    const files = { 'a.yaml': [namespace('shop'), cart, udp].join('---') };
    expect((await analyze(files)).status).toBe(0);
    const { status, out } = await analyze(files, '--channel', 'standard');
    expect(out).toContain('"gateway.networking.k8s.io/v1alpha2" has no TCPRoute that is known here');
    expect(status).toBe(1);
    expect((await analyze(files, '--channel', 'other')).status).toBe(2);
  });

  it('warns of routes for HTTP on a port that speaks something else', async () => {
    const redis = cart.replace('port: 80', 'port: 80, appProtocol: redis');
    const { out } = await analyze({ 'a.yaml': [namespace('shop'), redis, route('    - {}')].join('---') });
    expect(out).toContain('a.yaml:6: warning: Service shop/cart: port 80 has an appProtocol that is tcp, not HTTP');
  });

  describe('against a cluster', () => {
    const kinds: Readonly<Record<string, FakeResource>> = {
      namespace: { groupVersion: 'v1', kind: 'Namespace', plural: 'namespaces', namespaced: false },
      service: { groupVersion: 'v1', kind: 'Service', plural: 'services', namespaced: true },
      pod: { groupVersion: 'v1', kind: 'Pod', plural: 'pods', namespaced: true },
      httpRoute: { groupVersion: gateway, kind: 'HTTPRoute', plural: 'httproutes', namespaced: true },
      tls: { groupVersion: gateway, kind: 'BackendTLSPolicy', plural: 'backendtlspolicies', namespaced: true },
      configMap: { groupVersion: 'v1', kind: 'ConfigMap', plural: 'configmaps', namespaced: true },
      networkPolicy: {
        groupVersion: 'networking.k8s.io/v1',
        kind: 'NetworkPolicy',
        plural: 'networkpolicies',
        namespaced: true,
      },
    };

    /** Runs it with a kubeconfig of an API server that holds these manifests. */
    async function against(cluster: string, files: Readonly<Record<string, string>> | undefined) {
      const server = await FakeApiServer.start(Object.values(kinds));
      for (const document of parseAllDocuments(cluster)) {
        const object = document.toJS() as { readonly kind: string; readonly metadata: { readonly name: string } };
        const resource = Object.values(kinds).find(({ kind }) => kind === object.kind);
        if (resource !== undefined) server.put(resource, object);
      }
      await using directory = await temporaryDirectory();
      const kubeconfig = join(directory.path, 'kubeconfig');
      await writeFile(
        kubeconfig,
        JSON.stringify({
          clusters: [{ name: 'c', cluster: { server: server.url, 'insecure-skip-tls-verify': true } }],
          users: [{ name: 'u', user: {} }],
          contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
          'current-context': 'x',
        }),
      );
      try {
        if (files === undefined) return await tulle(['analyze', '--kubeconfig', kubeconfig]);
        await writeFile(join(directory.path, 'a.yaml'), Object.values(files).join('---'));
        const run = await tulle(['analyze', '--kubeconfig', kubeconfig, '-f', join(directory.path, 'a.yaml')]);
        return { ...run, out: run.out.replaceAll(`${directory.path}/`, '') };
      } finally {
        await server.close();
      }
    }

    const broken = route('    - backendRefs: [{ name: carts, port: 80 }]', 'broken');
    const cluster = [namespace('shop'), cart.replace('ports:', 'clusterIP: 10.96.0.5, ports:'), pod].join('---');

    it('looks at what is there, and names the objects', async () => {
      const closed = policy('  ingress: [{ ports: [{ port: 80 }] }]');
      const { status, out, err } = await against([cluster, broken, closed].join('---'), undefined);
      expect(err).toBe('');
      expect(out).toContain('error: HTTPRoute shop/broken: rules[0].backendRefs[0]: there is no Service "carts"');
      expect(out).toContain('error: NetworkPolicy shop/only-web: spec.ingress[0].ports: lets in 80');
      expect(out).toContain('2 errors, 0 warnings in 5 objects of the cluster');
      expect(status).toBe(1);
    });

    it('looks at files as if they were applied there, and at nothing else', async () => {
      const { status, out } = await against([cluster, broken].join('---'), { 'a.yaml': route(toCart, 'a') });
      expect([status, out]).toEqual([0, 'no problems in 1 object of 1 file\n']);
      const wrong = await against([cluster, broken].join('---'), { 'a.yaml': broken });
      expect(wrong.out).toMatch(/^a\.yaml:8: error: HTTPRoute shop\/broken: rules\[0\]/);
      expect(wrong.out).toContain('1 error, 0 warnings in 1 object of 1 file');
      expect(wrong.status).toBe(1);
    });

    it('reads the ConfigMaps that policies name, and no others', async () => {
      const tls = `
apiVersion: ${gateway}
kind: BackendTLSPolicy
metadata: { name: p, namespace: shop }
spec:
  targetRefs: [{ group: '', kind: Service, name: cart }]
  validation: { hostname: cart.example.com, caCertificateRefs: [{ group: '', kind: ConfigMap, name: ca }] }
`;
      const map = `
apiVersion: v1
kind: ConfigMap
metadata: { name: ca, namespace: shop }
data: { ca.crt: no certificate }
`;
      expect((await against([cluster, tls].join('---'), undefined)).out).toContain('there is no ConfigMap "ca"');
      expect((await against([cluster, tls, map].join('---'), undefined)).out).not.toContain('there is no ConfigMap');
    });

    it('ends with 1 when there is no cluster', async () => {
      expect((await tulle(['analyze', '--kubeconfig', '/no/such/file'])).status).toBe(1);
    });
  });

  it('ends with 2 when it is called wrongly', async () => {
    expect((await analyze({})).status).toBe(0);
    expect((await tulle(['analyze'])).err).toContain('nothing to look at was named');
    expect((await tulle(['analyze'])).status).toBe(2);
    expect((await tulle(['analyze', '--playground', 'a', '--context', 'b'])).status).toBe(2);
    expect((await analyze({}, '-f', '/no/such/place')).status).toBe(2);
    expect((await analyze({}, '-f')).status).toBe(2);
  });
});
