import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { AuthorizationCheckView, PodView } from '@tulle/admin-api';
import { fakeController, temporaryDirectory, tulle } from './fake-controller.ts';

const apiVersion = 'cli.tulle.dev/v1';
const web = 'spiffe://cluster.local/ns/shop/sa/web';
const allowed: AuthorizationCheckView = {
  apiVersion,
  kind: 'AuthorizationCheck',
  allowed: true,
  from: { namespace: 'shop', name: 'web-1', identity: web },
  to: { namespace: 'shop', name: 'cart-1' },
  decisions: [{ port: 8080, allowed: true, reason: 'rule', policy: 'shop/cart', rule: 1, policies: ['shop/cart'] }],
};
const denied: AuthorizationCheckView = {
  ...allowed,
  allowed: false,
  from: { namespace: 'shop', name: 'old-1' },
  decisions: [
    { port: 9090, allowed: true, reason: 'rule', policy: 'shop/cart', rule: 0, policies: ['shop/cart'] },
    { allowed: false, reason: 'no-rule', policies: ['shop/cart', 'shop/all'] },
  ],
};
const pod: PodView = {
  apiVersion,
  kind: 'Pod',
  namespace: 'shop',
  name: 'cart-1',
  node: 'n1',
  addresses: ['10.244.1.7'],
  serviceAccount: 'cart',
  identity: 'spiffe://cluster.local/ns/shop/sa/cart',
  mesh: { state: 'in' },
  captured: 'iptables',
  mtlsMode: 'strict',
  sameNode: 'direct',
  policies: [
    { namespace: 'shop', name: 'cart', rules: [`${web}, to port 8080`] },
    { namespace: 'shop', name: 'none', rules: [] },
  ],
  denials: [{ reason: 'policy-denied', address: '10.0.0.9', port: 8080, count: 2, lastAt: '2026-05-01T10:00:00.000Z' }],
  problems: [],
};

const resources = new AsyncDisposableStack();
let playgrounds = '';
const run = (...args: string[]) => tulle(args, { env: { TULLE_PLAYGROUND_ROOT: playgrounds } });

beforeAll(async () => {
  playgrounds = resources.use(await temporaryDirectory()).path;
  resources.use(
    await fakeController(join(playgrounds, 'default/controller.sock'), {
      '/v1/authorization/shop/web-1/shop/cart-1?port=8080': allowed,
      '/v1/authorization/shop/old-1/shop/cart-1': denied,
      '/v1/pods/shop/cart-1': pod,
    }),
  );
});
afterEach(() => {
  process.exitCode = undefined;
});
afterAll(() => resources.disposeAsync());

describe('authz check', () => {
  it('says that it is allowed, and which rule decides', async () => {
    const { status, out } = await run('authz', 'check', '--from', 'web-1', '--to', 'shop/cart-1:8080', '-n', 'shop');
    expect(out).toBe(`\
shop/web-1 (${web}) -> shop/cart-1 (plaintext: not in the mesh)
  port 8080   allowed   rules[1] of AuthorizationPolicy shop/cart
`);
    expect(status).toBe(0);
  });

  it('says that it is denied: exit status 1', async () => {
    const { status, out } = await run('authz', 'check', '--from', 'shop/old-1', '--to', 'shop/cart-1');
    expect(out).toBe(`\
shop/old-1 (plaintext: not in the mesh) -> shop/cart-1 (plaintext: not in the mesh)
  port 9090     allowed   rules[0] of AuthorizationPolicy shop/cart
  other ports   denied    policy-denied: no rule of AuthorizationPolicy shop/cart, AuthorizationPolicy shop/all allows it
`);
    expect(status).toBe(1);
  });

  it.each(['shop/cart-1:0', 'shop/cart-1:http', 'shop/cart-1:70000', 'Shop/cart'])('refuses %s', async (to) => {
    const { status, out } = await run('authz', 'check', '--from', 'shop/web-1', '--to', to);
    expect({ status, out }).toEqual({ status: 2, out: '' });
  });
});

describe('describe pod', () => {
  it('shows identity, who may connect, and who was turned away', async () => {
    const { status, out } = await run('describe', 'pod', 'shop/cart-1');
    expect(out).toBe(`\
Pod shop/cart-1
  node        n1
  addresses   10.244.1.7
  identity    spiffe://cluster.local/ns/shop/sa/cart
  mesh        in, captured by iptables
  mTLS        strict: plaintext is refused
  same node   direct: with pods of its node it is connected locally, not encrypted
Lets in
  AuthorizationPolicy shop/cart
    rules[0]: ${web}, to port 8080
  AuthorizationPolicy shop/none
    nobody
Turned away
  plaintext  10.0.0.9  port 8080  2 times  last 2026-05-01T10:00:00.000Z  policy-denied
`);
    expect(status).toBe(0);
  });
});
