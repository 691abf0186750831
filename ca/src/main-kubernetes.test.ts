import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { renameSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  CertificateClient,
  ControlPlaneCredentials,
  controllerIdentity,
  createCsr,
  generateKeyPair,
  SpiffeId,
} from '@tulle/identity';
import { FakeApiServer, temporaryDirectory, TestCa } from '@tulle/testkit';

const main = fileURLToPath(new URL('main.ts', import.meta.url));
const pods = { groupVersion: 'v1', kind: 'Pod', plural: 'pods', namespaced: true } as const;
const reviews = {
  groupVersion: 'authentication.k8s.io/v1',
  kind: 'TokenReview',
  plural: 'tokenreviews',
  namespaced: false,
} as const;
/** Who the API server says that each token is. */
const users: Readonly<Record<string, object>> = {
  'token-of-agent-1': agentOf('n1'),
  'token-of-agent-2': agentOf('n2'),
  'token-of-web': { username: 'system:serviceaccount:shop:web' },
};

function agentOf(node: string): object {
  const extra = { 'authentication.kubernetes.io/node-name': [node] };
  return { username: 'system:serviceaccount:tulle-system:agent', extra };
}

function idOf(namespace: string, serviceAccount: string): SpiffeId {
  const id = SpiffeId.forWorkload({ trustDomain: 'cluster.local', namespace, serviceAccount });
  if (!id.ok) throw id.error;
  return id.value;
}

function pod(namespace: string, name: string, more: { readonly node: string; readonly phase?: string }): object {
  const spec = { nodeName: more.node, serviceAccountName: name, containers: [{ name: 'app' }] };
  return {
    metadata: { namespace, name, uid: `${namespace}-${name}` },
    spec,
    status: { phase: more.phase ?? 'Running' },
  };
}

describe('the authority that runs alone in a cluster, with the issuer of an operator', () => {
  const dir = temporaryDirectory();
  const root = new TestCa({ commonName: 'company root' });
  const lines: Record<string, unknown>[] = [];
  let api: FakeApiServer;
  let child: ChildProcess;
  let port: number;

  const giveIssuer = () => {
    const { certPem, keyPem } = new TestCa({ commonName: 'mesh issuer', parent: root }).certificate;
    const files = { 'tls.key': keyPem, 'ca.crt': root.certificate.certPem, 'tls.crt': certPem };
    for (const [file, text] of Object.entries(files)) {
      writeFileSync(dir.file('new'), text);
      renameSync(dir.file('new'), dir.file(file));
    }
  };

  beforeAll(async () => {
    api = await FakeApiServer.start([pods, reviews]);
    api.intercept = ({ path, body }) => {
      if (!path.endsWith('/tokenreviews')) return undefined;
      const user = users[(body as { spec: { token: string } }).spec.token];
      const status =
        user === undefined ? { authenticated: false } : { authenticated: true, audiences: ['tulle-ca'], user };
      return { status: 201, body: { status } };
    };
    api.put(pods, pod('shop', 'cart', { node: 'n1' }));
    api.put(pods, pod('shop', 'web', { node: 'n2' }));
    api.put(pods, pod('shop', 'done', { node: 'n1', phase: 'Succeeded' }));
    giveIssuer();
    const cluster = { name: 'c', cluster: { server: api.url, 'insecure-skip-tls-verify': true } };
    const context = { name: 'c', context: { cluster: 'c', user: 'u' } };
    const kubeconfig = {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'c',
      clusters: [cluster],
      contexts: [context],
      users: [{ name: 'u', user: {} }],
    };
    writeFileSync(dir.file('kubeconfig'), JSON.stringify(kubeconfig));
    const flags = ['--source', 'kubernetes', '--kubeconfig', dir.file('kubeconfig'), '--issuer-dir', dir.path];
    child = spawn(process.execPath, [main, '--listen', '127.0.0.1:0', ...flags], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    port = await new Promise((resolve, reject) => {
      createInterface({ input: child.stderr ?? process.stdin }).on('line', (line) => {
        if (!line.startsWith('{')) return reject(new Error(line));
        const entry = JSON.parse(line) as Record<string, unknown>;
        lines.push(entry);
        if (entry['msg'] === 'serving') resolve(Number(entry['port']));
      });
    });
  });

  afterAll(async () => {
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    const [status] = (await exited) as [number];
    await api.close();
    dir[Symbol.dispose]();
    expect(status).toBe(0);
  });

  /** The answer to a request by a token: the names in the chain, or the error's words; and its audit line. */
  async function ask(token: string, identity: SpiffeId) {
    writeFileSync(dir.file('token'), token);
    const credentials = new ControlPlaneCredentials({
      trustBundleFile: dir.file('ca.crt'),
      tokenFile: dir.file('token'),
      server: { spiffeId: controllerIdentity('cluster.local') },
    });
    using client = new CertificateClient({ address: `127.0.0.1:${port}`, credentials });
    const before = lines.length;
    const csrPem = createCsr(generateKeyPair(), identity);
    const answer = await client.sign({ identity, csrPem, validityMs: 3_600_000 }).then(
      ({ chain }) => `${chain.length} certificates`,
      (error: Error) => error.message,
    );
    while (lines.length === before) await new Promise((resolve) => setImmediate(resolve));
    const { decision, caller, identity: named, code } = lines[before] ?? {};
    return { answer, audit: { decision, caller, identity: named, code } };
  }

  it("gives a node's agent the identity of a pod of that node, by the API server's word", async () => {
    const identity = idOf('shop', 'cart');
    expect(await ask('token-of-agent-1', identity)).toEqual({
      answer: '3 certificates',
      audit: { decision: 'issued', caller: 'node/n1', identity: identity.text, code: undefined },
    });
  });

  it.each<readonly [string, string, SpiffeId]>([
    ['of a pod of another node', 'token-of-agent-1', idOf('shop', 'web')],
    ['of the other node, asked by the first', 'token-of-agent-2', idOf('shop', 'cart')],
    ['of a service account that is not there', 'token-of-agent-1', idOf('shop', 'admin')],
    ['of the same account in another namespace', 'token-of-agent-1', idOf('ops', 'cart')],
    ['of a pod that has ended', 'token-of-agent-1', idOf('shop', 'done')],
  ])('refuses the identity %s, and says so in its audit line', async (_, token, identity) => {
    const { answer, audit } = await ask(token, identity);
    expect(answer).toContain(`has the identity ${identity.text}`);
    const caller = `node/${token === 'token-of-agent-1' ? 'n1' : 'n2'}`;
    expect(audit).toEqual({ decision: 'refused', caller, identity: identity.text, code: 'not-allowed' });
  });

  it('gives a workload its own identity and no other', async () => {
    expect((await ask('token-of-web', idOf('shop', 'web'))).answer).toBe('3 certificates');
    expect((await ask('token-of-web', idOf('shop', 'cart'))).audit).toMatchObject({
      decision: 'refused',
      code: 'not-allowed',
    });
  });

  it('refuses a token that the API server does not accept', async () => {
    const { answer, audit } = await ask('a-token-of-nobody', idOf('shop', 'cart'));
    expect(answer).toContain('the bearer token is missing or not accepted');
    expect(audit).toEqual({ decision: 'refused', caller: undefined, identity: undefined, code: 'unknown-token' });
  });

  it('knows at once of a pod that comes, and of one that goes', async () => {
    const identity = idOf('shop', 'late');
    const asked = ask('token-of-agent-1', identity);
    api.put(pods, pod('shop', 'late', { node: 'n1' }));
    expect((await asked).answer).toBe('3 certificates');
    api.remove(pods, 'late', 'shop');
    expect((await ask('token-of-agent-1', identity)).audit).toMatchObject({ code: 'not-allowed' });
  });

  it('signs with another issuer once the operator gives one', async () => {
    giveIssuer();
    while (!lines.some(({ msg }) => msg === 'another issuer was given')) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await ask('token-of-agent-1', idOf('shop', 'cart'))).answer).toBe('3 certificates');
  });
});
