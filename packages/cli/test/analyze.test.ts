import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { createColors } from 'picocolors';
import { readFileSync } from 'node:fs';
import { buildProgram, runCli, type CliContext } from '../src/index.ts';
import { registerAnalyze } from '../src/commands/analyze.ts';
import { temporaryDirectory } from './fake-controller.ts';

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
  let out = '';
  let err = '';
  const context: CliContext = {
    env: {},
    colors: createColors(false),
    print: (text) => void (out += text),
    printError: (text) => void (err += text),
  };
  const program = buildProgram(context, [(command) => registerAnalyze(command, context)]);
  const args = more.includes('-f') ? more : ['-f', directory.path, ...more];
  const status = await runCli(program, ['analyze', ...args], context);
  return { status, out: out.replaceAll(`${directory.path}/`, ''), err };
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
    expect((await analyze({ 'a.yaml': producer })).out).toContain('no namespace in these manifests is in the mesh');
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

  it('ends with 2 when it is called wrongly', async () => {
    expect((await analyze({})).status).toBe(0);
    expect((await analyze({}, '-f', '/no/such/place')).status).toBe(2);
    expect((await analyze({}, '-f')).status).toBe(2);
  });
});
