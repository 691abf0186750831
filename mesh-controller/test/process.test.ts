import { spawn, spawnSync, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Ajv } from 'ajv';
import type { MeshState } from '@tulle/ir';
import { temporaryDirectory } from '@tulle/testkit';
import { AgentStandIn, shopIdentity, writeToken } from './agent-stand-in.ts';
import { canary, shop } from './shop.ts';

const workspace = join(import.meta.dirname, '../..');
const directory = temporaryDirectory();
const socket = directory.file('admin.sock');
const agents = new Map<string, AgentStandIn>();
let controller: ChildProcessByStdio<null, Readable, null>;
let log: Record<string, unknown>[] = [];

beforeAll(async () => {
  for (const name of ['objects', 'tokens']) mkdirSync(directory.file(name));
  for (const node of ['n1', 'n2']) writeToken(directory.file('tokens'), node);
  writeObjects(shop);
  const port = await startController();
  for (const node of ['n1', 'n2']) {
    const agent = new AgentStandIn({
      node,
      address: `127.0.0.1:${port}`,
      bundleFile: directory.file('state/ca/bundle.pem'),
      workDir: directory.path,
    });
    agents.set(node, agent);
    await agent.until(() => true);
  }
});

afterAll(() => {
  for (const agent of agents.values()) agent[Symbol.dispose]();
  controller.kill('SIGKILL');
  directory[Symbol.dispose]();
});

/** Starts the controller; gives its port once it serves. */
async function startController(): Promise<number> {
  const args = [
    join(workspace, 'mesh-controller/src/main.ts'),
    `--objects=${directory.file('objects')}`,
    `--state-dir=${directory.file('state')}`,
    '--listen=127.0.0.1:0',
    `--node-tokens=${directory.file('tokens')}`,
    `--admin=unix:${socket}`,
  ];
  controller = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface(controller.stdout);
  return new Promise((resolve, reject) => {
    lines.on('line', (line) => {
      const entry = JSON.parse(line) as Record<string, unknown>;
      log.push(entry);
      if (entry['msg'] === 'serving') resolve(Number(entry['port']));
    });
    controller.once('exit', (code) => reject(new Error(`the controller ended with status ${code}`)));
  });
}

function writeObjects(yaml: string, file = 'shop.yaml'): void {
  writeFileSync(directory.file('new'), yaml);
  renameSync(directory.file('new'), directory.file(`objects/${file}`));
}

function tulle(...args: string[]): { status: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(join(workspace, 'tulle'), [...args, '--controller', `unix:${socket}`], {
    encoding: 'utf8',
  });
  return { status, out: stdout, err: stderr };
}

/** Runs a command with -o json; its output must be valid by the published schema. */
function tulleJson(schema: string, ...args: string[]): unknown {
  const { status, out, err } = tulle(...args, '-o', 'json');
  expect({ status, err }).toEqual({ status: 0, err: '' });
  const document = JSON.parse(out) as unknown;
  const validate = new Ajv({ strict: true, allowUnionTypes: true }).compile(
    JSON.parse(readFileSync(join(workspace, `docs/cli/${schema}.schema.json`), 'utf8')) as object,
  );
  validate(document);
  expect(validate.errors).toBeNull();
  return document;
}

function agent(node: string): AgentStandIn {
  const found = agents.get(node);
  if (found === undefined) throw new Error(`there is no agent of node ${node}`);
  return found;
}

function sharesOf({ routes }: MeshState): number[] {
  const producer = routes.get('shop/cart:80')?.producer;
  return producer?.kind === 'http' ? (producer.table.rules.at(-1)?.backends ?? []).map(({ weight }) => weight) : [];
}

describe('a controller process on a directory of manifests', () => {
  it('tulle describe service', () => {
    const { status, out, err } = tulle('describe', 'service', 'shop/cart');
    expect(out).toBe(
      `\
Service shop/cart   10.96.0.10   port http 80 -> 8080 (http)
Routes
  PRODUCER  HTTPRoute shop/cart-canary   Accepted  for every client, except those of namespace qa, port 80
  CONSUMER  HTTPRoute qa/cart-always-v2  Accepted  for clients in namespace qa
Every client, except those of namespace qa, gets, in this order:
  1  header x-team = qa  -> cart-v2:80
  2  everything          -> cart-v1:80 90 %   cart-v2:80 10 %
       timeout 2 s
Clients in namespace qa get, in this order:
  1  everything  -> cart-v2:80
Endpoints
  cart-v1:80  10.244.1.11:8080  n1  ready  spiffe://cluster.local/ns/shop/sa/cart
  cart-v2:80  10.244.2.12:8080  n2  ready  spiffe://cluster.local/ns/shop/sa/cart
`,
    );
    expect({ status, err }).toEqual({ status: 0, err: '' });
    expect(tulleJson('service', 'describe', 'svc', 'cart', '-n', 'shop')).toMatchObject({ kind: 'Service' });
  });

  it('tulle describe route: applied, and not applied with what was probably meant', () => {
    expect(tulle('describe', 'route', 'qa/cart-always-v2')).toEqual({
      status: 0,
      err: '',
      out: `\
HTTPRoute qa/cart-always-v2   APPLIED
  parentRef Service shop/cart: Accepted, for clients in namespace qa
shop/cart:80: Clients in namespace qa get, in this order:
  1  everything  -> shop/cart-v2:80
`,
    });
    const { status, out } = tulle('describe', 'route', 'shop/old');
    expect(status).toBe(0);
    expect(out).toMatch(
      /^HTTPRoute shop\/old {3}NOT APPLIED\n {2}parentRef Service carts: NoMatchingParent: .*"cart".*\n/,
    );
    expect(tulleJson('route', 'describe', 'httproute', 'shop/old')).toMatchObject({ applied: 'notApplied' });
  });

  it('tulle status, certificates and version, with what agents reported', async () => {
    const [leaf] = await agent('n1').certificate(shopIdentity('cart'));
    expect(leaf).toBeInstanceOf(Buffer);
    await expect(agent('n2').certificate(shopIdentity('web'))).rejects.toMatchObject({ code: 'ca-refused' });
    const pod = (name: string) => ({ uid: `uid-${name}`, namespace: 'shop', name });
    await agent('n1').report({
      requestRate: { perSecond: 40, failedPerSecond: 1 },
      pods: [
        { ...pod('cart-v1'), captured: 'iptables' },
        { ...pod('web'), captured: null, reason: 'its network namespace was not found' },
      ],
      certificates: [
        {
          identity: shopIdentity('cart').text,
          state: 'valid',
          serial: '0A1B',
          notBeforeMs: Date.now() - 60_000,
          notAfterMs: Date.now() + 23.6 * 3_600_000,
        },
      ],
    });
    await agent('n2').report({ pods: [{ ...pod('cart-v2'), captured: 'iptables' }] });
    const { out } = tulle('status');
    expect(out.replaceAll(/\d+(\.\d+)? m?s/g, 'T').replaceAll(/ +/g, ' ')).toMatch(
      new RegExp(
        `^${[
          'controller running config v1, T to reach every agent',
          'ca ok root expires in 9 y, issued 1 in the last 24 h, 1 refused',
          'NODE AGENT PODS CAPTURED CONFIG CERTS REQUESTS/S SUCCESS REPORT',
          'n1 ready 1 of 2 ! v1 1 40 97.50 % T ago',
          'n2 ready 1 of 1 v1 0 - - T ago',
          '! HTTPRoute shop/old: .*',
          '! Pod shop/web: it is labelled to be in the mesh, but not captured: its network namespace was not found',
        ].join('\\n')}\\n$`,
      ),
    );
    expect(tulleJson('status', 'status')).toMatchObject({ controller: { source: 'directory' } });
    expect(tulle('certificates', '-n', 'shop').out).toMatch(
      /\nn1 +spiffe:\/\/cluster.local\/ns\/shop\/sa\/cart +valid +\S+ \S+Z +\S+ \S+Z +24 h +- +0a1b +-\n$/,
    );
    expect(tulleJson('certificates', 'certificates')).toMatchObject({ roots: [{ signing: true }] });
    expect(tulleJson('version', 'version')).toMatchObject({ controller: { version: '0.1.0' } });
  });

  it('errors: what does not exist, with what was probably meant', () => {
    expect(tulle('describe', 'service', 'shop/carts')).toEqual({
      status: 1,
      out: '',
      err: 'tulle: there is no Service shop/carts (did you mean "shop/cart"?)\n',
    });
  });

  it('a change of a file reaches the agents; one that is not valid changes nothing but the problems', async () => {
    writeObjects(shop.replace(canary(90, 10), canary(50, 50)));
    await agent('n1').until((state) => sharesOf(state).join() === '50,50');
    writeObjects(shop.replace(canary(90, 10), canary(-1, 50)).replace('10.96.0.12', '10.96.0.99'));
    const state = await agent('n1').until(
      ({ services }) => services.get('shop/cart-v2')?.clusterIPs[0] === '10.96.0.99',
    );
    expect(sharesOf(state)).toEqual([50, 50]);
    expect(tulleJson('status', 'status')).toMatchObject({
      problems: expect.arrayContaining([
        expect.objectContaining({
          code: 'InvalidManifest',
          object: { kind: 'HTTPRoute', namespace: 'shop', name: 'cart-canary' },
          file: 'shop.yaml',
          line: expect.any(Number),
        }),
      ]),
    });
  });

  it('stops in order on SIGTERM, and goes on counting configurations when it is started again', async () => {
    const { controller: before } = tulleJson('status', 'status') as { controller: { configVersion: string } };
    controller.kill('SIGTERM');
    const [code] = (await once(controller, 'exit')) as [number | null];
    expect(code).toBe(0);
    expect(existsSync(socket)).toBe(false);
    expect(tulle('status')).toMatchObject({
      status: 1,
      err: expect.stringMatching(/^tulle: cannot reach the controller/),
    });
    log = [];
    writeObjects(shop);
    await startController();
    const { controller: after } = tulleJson('status', 'status') as { controller: { configVersion: string } };
    expect(Number(after.configVersion.slice(1))).toBe(Number(before.configVersion.slice(1)) + 1);
    expect(log.every((entry) => entry['app'] === 'mesh-controller')).toBe(true);
  });

  it('refuses flags that it cannot use', () => {
    const start = (...args: string[]) => {
      const { status, stderr } = spawnSync(
        process.execPath,
        [join(workspace, 'mesh-controller/src/main.ts'), ...args],
        {
          encoding: 'utf8',
        },
      );
      return { status, stderr };
    };
    const needed = ['--state-dir', directory.file('s'), '--node-tokens', directory.file('tokens')];
    expect(start(...needed, '--admin', 'tcp:1')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('unix:PATH'),
    });
    expect(start(...needed, '--admin', `unix:${directory.file('b.sock')}`)).toEqual({
      status: 1,
      stderr: 'mesh-controller: --source directory needs --objects DIR\n',
    });
    expect(start(...needed, '--admin', 'unix:/x', '--trust-domain', 'Not OK')).toMatchObject({ status: 1 });
  });
});
