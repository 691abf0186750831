import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createColors } from 'picocolors';
import { parse } from 'yaml';
import { renderStatus } from '../src/render/status.ts';
import { fakeController, temporaryDirectory, tulle } from './fake-controller.ts';
import { appliedRoute, certificatesView, notAppliedRoute, serviceView, statusView } from './views.ts';

const resources = new AsyncDisposableStack();
let playgrounds = '';
let requests: string[] = [];
const run = (args: string[], options: { colors?: boolean; env?: Record<string, string> } = {}) =>
  tulle(args, { ...options, env: { TULLE_PLAYGROUND_ROOT: playgrounds, ...options.env } });

beforeAll(async () => {
  playgrounds = resources.use(await temporaryDirectory()).path;
  const controller = resources.use(
    await fakeController(join(playgrounds, 'default/controller.sock'), {
      '/v1/status': statusView,
      '/v1/services/shop/cart': serviceView,
      '/v1/services/shop/carts': {
        status: 404,
        body: '{"error":{"code":"NotFound","message":"there is no Service shop/carts","hint":"did you mean shop/cart?"}}',
      },
      '/v1/services/shop/odd': { status: 502, body: '"what?"' },
      '/v1/services/shop/new': { apiVersion: 'cli.tulle.dev/v2', kind: 'Service' },
      '/v1/routes/shop/old': { apiVersion: 'cli.tulle.dev/v1', kind: 'RouteList', items: [notAppliedRoute] },
      '/v1/routes/qa/old': {
        apiVersion: 'cli.tulle.dev/v1',
        kind: 'RouteList',
        items: [notAppliedRoute, appliedRoute],
      },
      '/v1/routes/grpcroute/qa/old': appliedRoute,
      '/v1/certificates': certificatesView,
      '/v1/certificates?namespace=shop': certificatesView,
    }),
  );
  requests = controller.requests;
});
afterAll(() => resources.disposeAsync());

describe('tables', () => {
  it('status: the controller, the CA, a line a node, and what is wrong', async () => {
    const { status, out, err } = await run(['status']);
    expect(out).toBe(`\
controller   running   config 412, not yet at 1 node
ca           ok        root expires in 9 y, issued 212 in the last 24 h, 0 refused
NODE   AGENT   PODS CAPTURED   CONFIG               CERTS   REQUESTS/S   SUCCESS   REPORT
n1     ready   14 of 14        412                  6       1,812        99.99 %   900 ms ago
n2     ready   11 of 12 !      411 (2.1 s behind)   5       -            -         1.2 s ago
! Pod shop/worker-x2k: labelled but not captured: its network namespace was not found
  Try: tulle playground logs n2
! HTTPRoute shop/cart: spec.rules[0].matches: expected a list, found "all"; the last valid version is used (cart.yaml:12)
`);
    expect({ status, err }).toEqual({ status: 0, err: '' });
  });

  it.each([
    [0, undefined, '0 -'],
    [0.04, 1, '<0.1 100.00 %'],
    [9.96, 0, '10.0 0.00 %'],
    [10.4, 0.999_999_9, '10 99.99 %'],
    [3, 1 - 1 / 3, '3.0 66.66 %'],
  ] as const)('status: %s requests a second of which %s went well are %s', (requestsPerSecond, successShare, text) => {
    const [node] = statusView.nodes;
    if (node === undefined) throw new Error('the view has nodes');
    const { successShare: _, ...others } = node;
    const nodes = [{ ...others, requestsPerSecond, ...(successShare === undefined ? {} : { successShare }) }];
    const lines = renderStatus({ ...statusView, nodes }, createColors(false));
    expect(lines[3]?.replaceAll(/ +/g, ' ')).toBe(`n1 ready 14 of 14 412 6 ${text} 900 ms ago`);
  });

  it('describe service: routes, rules in order, endpoints', async () => {
    const { status, out } = await run(['describe', 'service', 'shop/cart']);
    expect(out).toBe(`\
Service shop/cart   10.96.12.40   port http 80 -> 8080 (http)
Routes
  PRODUCER  HTTPRoute shop/cart-canary   Accepted  for every client, except those of namespace qa
  CONSUMER  HTTPRoute qa/cart-always-v2  Accepted  for clients in namespace qa
  PRODUCER  GRPCRoute shop/cart-grpc     Refused   NoMatchingParent: an HTTPRoute has the port already
Every client, except those of namespace qa, gets, in this order:
  1  header x-team = qa  -> cart-v2:80 (no ready endpoint)
  2  everything          -> cart-v1:80 90 %   an error 10 % (BackendNotFound: no Service "cart-v3")
       timeout 2 s, 2 retries on 502 503
Clients in namespace qa get, in this order:
  1  everything  -> cart-v2:80
Endpoints
  cart-v1:80  10.244.1.7:8080   n1  ready      spiffe://cluster.local/ns/shop/sa/cart
              [fd00::9]:8080    n2  ready      plaintext
  cart-v2:80  10.244.2.10:8080  n2  not ready  plaintext (host network)
`);
    expect(status).toBe(0);
  });

  it('describe route: not applied, and why; found, so the exit status is 0', async () => {
    const { status, out } = await run(['describe', 'route', 'shop/old']);
    expect(out).toBe(`\
HTTPRoute shop/old   NOT APPLIED
  parentRef Service carts: NoMatchingParent: there is no Service "carts" in namespace "shop" (did you mean "cart"?)
! HTTPRoute shop/old: spec.rules: expected a list; its last valid version is used (old.yaml:3)
`);
    expect(status).toBe(0);
  });

  it('describe route: every kind of the name', async () => {
    const { out } = await run(['describe', 'route', 'old', '-n', 'qa']);
    expect(out).toBe(`\
HTTPRoute shop/old   NOT APPLIED
  parentRef Service carts: NoMatchingParent: there is no Service "carts" in namespace "shop" (did you mean "cart"?)
! HTTPRoute shop/old: spec.rules: expected a list; its last valid version is used (old.yaml:3)

GRPCRoute qa/old   APPLIED
  parentRef Service shop/cart port 80: Accepted, for clients in namespace qa
shop/cart:80: Clients in namespace qa get, in this order:
  1  everything  -> shop/cart-v2:80
`);
  });

  it('certificates: roots, what nodes hold, what they could not get', async () => {
    const { out } = await run(['certificates', '-n', 'shop']);
    expect(out).toBe(`\
ROOT            EXPIRES IN   SIGNS   SHA-256
CN=Tulle root   9 y          yes     abababababababab

NODE   IDENTITY                                 STATE     FROM                   UNTIL                  EXPIRES IN   NEXT RENEWAL           SERIAL   ISSUER
n1     spiffe://cluster.local/ns/shop/sa/cart   valid     2026-05-01 10:00:00Z   2026-05-02 10:00:00Z   22 h         2026-05-01 21:07:03Z   0a1b     CN=Tulle root
n2     spiffe://cluster.local/ns/shop/sa/web    missing   -                      -                      -            -                      -        -
! n2: spiffe://cluster.local/ns/shop/sa/web: PERMISSION_DENIED: no pod of node n2 has this identity
`);
    expect(requests.at(-1)).toBe('GET /v1/certificates?namespace=shop');
  });

  it('have colours, and the same columns, only where colours are on', async () => {
    const plain = await run(['status']);
    const coloured = await run(['status'], { colors: true });
    // eslint-disable-next-line no-control-regex
    const ansi = /\u001b\[\d+m/g;
    expect(plain.out).not.toMatch(ansi);
    expect(coloured.out).toMatch(ansi);
    expect(coloured.out.replaceAll(ansi, '')).toBe(plain.out);
  });
});

describe('the same data for programs', () => {
  it('as JSON and as YAML', async () => {
    expect(JSON.parse((await run(['status', '-o', 'json'])).out)).toEqual(statusView);
    expect(parse((await run(['status', '-o', 'yaml'])).out)).toEqual(statusView);
    expect(JSON.parse((await run(['describe', 'grpcroute', 'qa/old', '-o', 'json'])).out)).toEqual(appliedRoute);
  });

  it('a Route when one kind has the name, a RouteList when several have', async () => {
    expect(JSON.parse((await run(['describe', 'route', 'shop/old', '-o', 'json'])).out)).toEqual(notAppliedRoute);
    expect(JSON.parse((await run(['describe', 'route', 'qa/old', '-o', 'json'])).out)).toMatchObject({
      kind: 'RouteList',
    });
  });
});

describe('errors', () => {
  it('of the controller are told with its message and its hint; exit status 1', async () => {
    expect(await run(['describe', 'service', 'shop/carts'])).toEqual({
      status: 1,
      out: '',
      err: 'tulle: there is no Service shop/carts\n  Try: did you mean shop/cart?\n',
    });
  });

  it('of a controller that answers nonsense, or another version', async () => {
    const odd = await run(['describe', 'service', 'shop/odd']);
    expect(odd.err).toMatch(/^tulle: the playground "default" answered with status 502\n/);
    const newer = await run(['describe', 'service', 'shop/new']);
    expect(newer.err).toMatch(/^tulle: the playground "default" does not speak cli.tulle.dev\/v1\n/);
    expect([odd.status, newer.status]).toEqual([1, 1]);
  });

  it.each([
    ['an unknown command', ['statu'], "unknown command 'statu'\n(Did you mean status?)", 'tulle --help'],
    ['an unknown option', ['status', '--all'], "unknown option '--all'", 'tulle status --help'],
    ['a missing name', ['describe', 'service'], "missing required argument 'name'", 'tulle describe service --help'],
    [
      'an unknown format',
      ['status', '-o', 'xml'],
      "option '-o, --output <format>' argument 'xml' is invalid. Allowed choices are table, json, yaml.",
      'tulle status --help',
    ],
  ])('of usage have exit status 2: %s', async (_, args, message, hint) => {
    expect(await run(args)).toEqual({ status: 2, out: '', err: `tulle: ${message}\n  Try: ${hint}\n` });
  });

  it.each([['shop/cart/x'], ['shop/'], ['../etc'], ['SHOP/cart'], ['a/b?c']])(
    'a name that cannot be one: %s',
    async (name) => {
      expect(await run(['describe', 'service', name])).toMatchObject({ status: 2, out: '' });
    },
  );

  it('a namespace that contradicts the name', async () => {
    const { status, err } = await run(['describe', 'service', 'shop/cart', '-n', 'qa']);
    expect({ status, err }).toEqual({
      status: 2,
      err: 'tulle: "shop/cart" is in namespace "shop", but -n says "qa"\n',
    });
  });
});

describe('help', () => {
  it.each([
    [[]],
    [['status']],
    [['describe']],
    [['describe', 'service']],
    [['describe', 'route']],
    [['describe', 'tlsroute']],
    [['certificates']],
    [['version']],
    [['completion']],
  ])('of tulle %j has examples and exit status 0', async (path) => {
    const { status, out } = await run([...path, '--help']);
    expect(out).toContain('\nExamples:\n');
    expect(status).toBe(0);
  });

  it('is what tulle alone prints', async () => {
    expect(await run([])).toEqual(await run(['--help']));
  });
});

describe('completion', () => {
  it('completes the commands of each level in bash', async () => {
    const { out } = await run(['completion', 'bash']);
    const { spawnSync } = await import('node:child_process');
    const complete = (words: string[]) =>
      spawnSync('bash', [
        '-c',
        `${out}\nCOMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _tulle; echo "\${COMPREPLY[@]}"`,
      ])
        .stdout.toString()
        .trim();
    expect(complete(['tulle', 'st'])).toBe('status');
    expect(complete(['tulle', 'describe', 'tc'])).toBe('tcproute');
    expect(complete(['tulle', 'describe', 'service', 'shop/cart', '--out'])).toBe('--output');
  });
});
