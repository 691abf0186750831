import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { AgentCertificatesView, AuthorizationCheckView, CertificatesView, PodView } from '@tulle/admin-api';
import { TestCa } from '@tulle/testkit';
import { run, waitFor } from '../src/playground-client.ts';
import { killMeshProcess } from './support/mesh-processes.ts';
import { TestCluster } from './support/test-cluster.ts';

const cluster = new TestCluster('identity');
const serverIdentity = 'spiffe://cluster.local/ns/shop/sa/server';
const servers = ['permissive', 'strict'] as const;
const address = new Map<string, string>();

beforeAll(async () => {
  await cluster.start();
  await cluster.untilCaptured('shop', ['permissive', 'strict', 'web']);
  for (const name of [...servers, 'web', 'outsider']) address.set(name, (await cluster.pod('shop', name)).ip);
});

afterAll(() => cluster.down());

function ipOf(pod: string): string {
  return address.get(pod) ?? '';
}

/** Makes a request in the network of a node, as its own processes do; gives how it was answered. */
async function fromNode(name: 'n1' | 'n2', url: string): Promise<string> {
  const { netns } = await cluster.node(name);
  const plan = JSON.stringify([{ url }]);
  const argv = ['netns', 'exec', netns, process.execPath, `${cluster.directory}/requests.mjs`, plan];
  const { stdout, stderr } = await run('ip', argv);
  const [result] = JSON.parse(stdout || `[{"answers":{${JSON.stringify(stderr)}:1}}]`) as [{ answers: object }];
  return Object.keys(result.answers).join(' ');
}

async function fromPod(pod: string, url: string): Promise<string> {
  return Object.keys(await cluster.answers(`shop/${pod}`, url)).join(' ');
}

/** Rules in a node's network, as a kube-proxy or a load balancer makes them; they are taken away again. */
async function withRules<T>(node: 'n1' | 'n2', rules: readonly string[], during: () => Promise<T>): Promise<T> {
  const { netns } = await cluster.node(node);
  const apply = async (how: '-A' | '-D') => {
    for (const rule of rules) {
      const { status, stderr } = await run('ip', [
        ...['netns', 'exec', netns, 'iptables', '-w', '-t', 'nat'],
        ...rule.replace('-A', how).split(' '),
      ]);
      if (status !== 0) throw new Error(`${rule}: ${stderr}`);
    }
  };
  await apply('-A');
  try {
    return await during();
  } finally {
    await apply('-D');
  }
}

const passes = '200 red';
const refused = /^error (ECONNRESET|socket hang up|UND_ERR_SOCKET)/;

// The rows of the table in docs/mtls-modes.md.
describe('plaintext from outside the mesh', () => {
  const expectOutcome = (server: (typeof servers)[number], outcome: string) => {
    if (server === 'permissive') expect(outcome).toBe(passes);
    else expect(outcome).toMatch(refused);
  };

  it.each(servers)('%s: a pod outside the mesh', async (server) => {
    expectOutcome(server, await fromPod('outsider', `http://${ipOf(server)}:8080/`));
  });

  it.each(servers)(
    '%s: a process or host-network pod of another node, as the API server with a webhook',
    async (server) => {
      expectOutcome(server, await fromNode('n1', `http://${ipOf(server)}:8080/`));
    },
  );

  it.each(servers)('%s: a NodePort, whose client comes with the address of the node', async (server) => {
    const { address: node } = await cluster.node('n2');
    const rules = [
      `-A PREROUTING -p tcp --dport 30080 -j DNAT --to-destination ${ipOf(server)}:8080`,
      `-A POSTROUTING -p tcp -d ${ipOf(server)} --dport 8080 -j MASQUERADE`,
    ];
    const outcome = await withRules('n2', rules, () => fromNode('n1', `http://${node}:30080/`));
    expectOutcome(server, outcome);
  });

  it.each(servers)('%s: a LoadBalancer that keeps the address of its client', async (server) => {
    const { address: node } = await cluster.node('n2');
    const rules = [`-A PREROUTING -p tcp --dport 30081 -j DNAT --to-destination ${ipOf(server)}:8080`];
    const outcome = await withRules('n2', rules, () => fromNode('n1', `http://${node}:30081/`));
    expectOutcome(server, outcome);
  });

  it.each(servers)('%s: a process of its own node, as the kubelet with a probe, is let in', async (server) => {
    expect(await fromNode('n2', `http://${ipOf(server)}:8080/`)).toBe(passes);
  });

  it.each(servers)('%s: the same, while the agent is away', async (server) => {
    await killMeshProcess(cluster, 'agent n2');
    await expect(cluster.askAgent('n2', '/v1/pods')).rejects.toThrow();
    expect(await fromNode('n2', `http://${ipOf(server)}:8080/`)).toBe(passes);
    await cluster.untilCaptured('shop', ['permissive', 'strict', 'web']);
  });

  it.each(servers)('%s: a pod of the mesh is let in, by its identity', async (server) => {
    expect(await fromPod('web', `http://${ipOf(server)}:8080/`)).toBe(passes);
  });

  it('is counted, let in or refused', async () => {
    // The agent was started anew: it counts from zero.
    for (const server of servers) await fromPod('outsider', `http://${ipOf(server)}:8080/`);
    const { netns, address: node } = await cluster.node('n2');
    const argv = ['netns', 'exec', netns, process.execPath, '-e'];
    const print = `fetch('http://${node}:15020/metrics').then((r) => r.text()).then((t) => process.stdout.write(t))`;
    const { stdout } = await run('ip', [...argv, print]);
    const count = (event: string) => Number(new RegExp(`event="${event}"} (\\d+)`).exec(stdout)?.[1] ?? 0);
    expect([count('inbound_plaintext_accepted'), count('inbound_plaintext_refused')]).toEqual([1, 1]);
  });
});

describe('the HBONE port, seen by tools that are not ours', () => {
  let files: { readonly certificate: string; readonly key: string; readonly bundle: string };

  beforeAll(async () => {
    const { ca } = await cluster.status();
    const authority = new TestCa({
      existing: { certPem: readFileSync(ca.bundle, 'utf8'), keyPem: readFileSync(ca.rootKey, 'utf8') },
    });
    const leaf = authority.leaf('spiffe://cluster.local/ns/shop/sa/tool');
    cluster.write('tool.crt', leaf.certPem);
    cluster.write('tool.key', leaf.keyPem);
    const { directory } = cluster;
    files = { certificate: `${directory}/tool.crt`, key: `${directory}/tool.key`, bundle: ca.bundle };
  });

  const inNode = async (command: readonly string[], input = '') => {
    const { netns } = await cluster.node('n1');
    const { stdout, stderr } = await run('ip', ['netns', 'exec', netns, 'timeout', '20', ...command], { input });
    return `${stdout}${stderr}`;
  };

  const handshake = (...options: readonly string[]) => {
    const own = ['-cert', files.certificate, '-key', files.key, '-CAfile', files.bundle, '-alpn', 'h2'];
    return inNode(['openssl', 's_client', '-connect', `${ipOf('permissive')}:15008`, ...own, ...options]);
  };

  it('openssl s_client: TLS 1.3 and h2, a chain that verifies, a client certificate asked for', async () => {
    const said = await handshake();
    expect(said).toContain('Verify return code: 0 (ok)');
    expect(said).toContain('New, TLSv1.3, Cipher is TLS_AES_128_GCM_SHA256');
    expect(said).toContain('ALPN protocol: h2');
    expect(said).toContain('Requested Signature Algorithms');
    expect(said).toMatch(/Server Temp Key: X25519/);
  });

  it.each(['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'])(
    'openssl s_client: speaks %s',
    async (suite) => {
      expect(await handshake('-ciphersuites', suite)).toContain(`Cipher is ${suite}`);
    },
  );

  it.each(['TLS_AES_128_CCM_SHA256', 'TLS_AES_128_CCM_8_SHA256'])(
    'openssl s_client: does not speak %s',
    async (suite) => {
      expect(await handshake('-ciphersuites', suite)).toMatch(/alert handshake failure/);
    },
  );

  it.each(['-tls1_2', '-tls1_1', '-tls1'])('openssl s_client: refuses %s', async (version) => {
    const said = await handshake(version, '-cipher', 'ALL:@SECLEVEL=0');
    expect(said).toMatch(/alert protocol version|no protocols available|unsupported protocol/);
    expect(said).not.toMatch(/Cipher is [A-Z]{2,}/);
  });

  it('openssl s_client: a client without a certificate is told that one is required', async () => {
    const { netns } = await cluster.node('n1');
    const argv = ['netns', 'exec', netns, 'sh', '-c'];
    // The refusal of TLS 1.3 comes after the client's handshake has ended: it must stay to hear it.
    const connect = `openssl s_client -connect ${ipOf('permissive')}:15008 -alpn h2 -CAfile ${files.bundle}`;
    const { stdout, stderr } = await run('ip', [...argv, `(sleep 1; echo) | timeout 10 ${connect}`]);
    expect(`${stdout}${stderr}`).toMatch(/alert certificate required/);
  });

  it('openssl verify and x509: the leaf chains to the bundle, for both purposes, and names one SPIFFE id', async () => {
    const leaf = /-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/.exec(await handshake('-showcerts'))?.[0];
    cluster.write('seen.crt', `${leaf}\n`);
    const seen = `${cluster.directory}/seen.crt`;
    for (const purpose of ['sslserver', 'sslclient']) {
      const said = await inNode([
        'openssl',
        'verify',
        '-x509_strict',
        '-purpose',
        purpose,
        '-CAfile',
        files.bundle,
        seen,
      ]);
      expect(said).toBe(`${seen}: OK\n`);
    }
    const names = await inNode(['openssl', 'x509', '-in', seen, '-noout', '-ext', 'subjectAltName,basicConstraints']);
    expect(names.match(/URI:\S+/g)).toEqual([`URI:${serverIdentity}`]);
    expect(names).not.toMatch(/DNS:|IP Address:|CA:TRUE/);
    expect(names).toMatch(/Subject Alternative Name: critical/);
  });

  it('nghttp: a request that is no CONNECT gets 400, over mutual TLS', async () => {
    const own = [`--cert=${files.certificate}`, `--key=${files.key}`];
    const said = await inNode([
      'nghttp',
      '-v',
      '-n',
      '--no-verify-peer',
      ...own,
      `https://${ipOf('permissive')}:15008/`,
    ]);
    expect(said).toMatch(/The negotiated protocol: h2/);
    expect(said).toMatch(/SETTINGS_INITIAL_WINDOW_SIZE\(0x04\):4194304/);
    expect(said).toMatch(/:status: 400/);
  });

  it('h2load: 2,000 requests on four connections, 100 at once on each, every one answered', async () => {
    const bridge = [
      `${cluster.directory}/mtls-bridge.mjs`,
      ipOf('permissive'),
      files.certificate,
      files.key,
      files.bundle,
    ];
    const load = ['h2load', '-n', '2000', '-c', '4', '-m', '100', 'http://127.0.0.1:PORT/'];
    const said = await inNode([process.execPath, ...bridge, ...load]);
    expect(said).toMatch(/2000 total, 2000 started, 2000 done/);
    expect(said).toMatch(/0 errored, 0 timeout/);
    expect(said).toMatch(/status codes: 0 2xx, 0 3xx, 2000 4xx, 0 5xx/);
  });

  const sslscan = spawnSync('sslscan', ['--version']).status === 0;
  if (!sslscan) process.stderr.write('skipped: sslscan is not installed (Debian: sslscan)\n');

  (sslscan ? it : it.skip)('sslscan: TLS 1.3 alone, and the three suites', async () => {
    const own = [`--certs=${files.certificate}`, `--pk=${files.key}`];
    const said = await inNode(['sslscan', '--no-colour', '--no-heartbleed', ...own, `${ipOf('permissive')}:15008`]);
    const versions = [...said.matchAll(/^(SSLv[23]|TLSv1\.[0-3])\s+(enabled|disabled)/gm)].map(([, name, on]) => [
      name,
      on,
    ]);
    expect(versions).toEqual([
      ['SSLv2', 'disabled'],
      ['SSLv3', 'disabled'],
      ['TLSv1.0', 'disabled'],
      ['TLSv1.1', 'disabled'],
      ['TLSv1.2', 'disabled'],
      ['TLSv1.3', 'enabled'],
    ]);
    const suites = [...said.matchAll(/(?:Preferred|Accepted)\s+TLSv1\.3\s+\d+ bits\s+(\S+)/g)].map(
      ([, suite]) => suite,
    );
    expect(suites.sort((a = '', b = '') => a.localeCompare(b))).toEqual([
      'TLS_AES_128_GCM_SHA256',
      'TLS_AES_256_GCM_SHA384',
      'TLS_CHACHA20_POLY1305_SHA256',
    ]);
  });
});

describe('the certificate of a pod', () => {
  const identity = 'spiffe://cluster.local/ns/shop/sa/leaver';
  const held = async () => {
    const { certificates } = (await cluster.document('certificates', '-n', 'shop')) as CertificatesView;
    return certificates.find((certificate) => certificate.identity === identity);
  };
  const keptByAgent = async () =>
    (await cluster.askAgent<AgentCertificatesView>('n1', '/v1/certificates')).certificates.some(
      (certificate) => certificate.identity === identity,
    );

  it('is there before the pod is captured, is shown with its life, and is dropped when the pod leaves', async () => {
    cluster.write(
      'leaver.yaml',
      `apiVersion: v1
kind: Pod
metadata: { name: leaver, namespace: shop }
spec:
  nodeName: n1
  serviceAccountName: leaver
  containers: [{ name: main, command: [node, idle.mjs] }]
`,
    );
    await cluster.untilCaptured('shop', ['permissive', 'strict', 'web', 'leaver']);
    expect(await keptByAgent()).toBe(true);
    const { value: shown } = await waitFor('the certificate is shown', 10_000, held);
    expect(shown).toMatchObject({
      node: 'n1',
      state: 'valid',
      issuer: expect.stringContaining('Tulle root') as unknown,
    });
    const [from, next, until] = [shown.notBefore, shown.nextRenewal, shown.notAfter].map((at) => Date.parse(at ?? ''));
    const share = ((next ?? 0) - (from ?? 0)) / ((until ?? 0) - (from ?? 0));
    expect(share).toBeGreaterThan(0.29);
    expect(share).toBeLessThan(0.51);
    const table = await cluster.tulle(['certificates', '-n', 'shop', '--playground', cluster.name]);
    expect(table.stdout).toContain(shown.serialNumber);
    cluster.remove('leaver.yaml');
    await waitFor('the agent drops it', 10_000, async () => ((await keptByAgent()) ? undefined : true));
    await waitFor('it is shown no more', 10_000, async () => ((await held()) === undefined ? true : undefined));
  });
});

describe('an AuthorizationPolicy, from manifest to answer', () => {
  const policy = (account: string) => `apiVersion: tulle.dev/v1alpha1
kind: AuthorizationPolicy
metadata: { name: paint, namespace: shop }
spec:
  targetRefs: [{ kind: Pod, selector: { matchLabels: { app: permissive } } }]
  action: ALLOW
  enforcementLevel: Network
  rules: [{ sources: [{ type: ServiceAccount, serviceAccount: { name: ${account} } }], networkAttributes: { ports: [8080] } }]
`;
  const url = 'http://permissive/';

  const untilAnswered = (expected: string) =>
    waitFor(`web gets ${expected}`, 10_000, async () => ((await fromPod('web', url)) === expected ? true : undefined));

  it('denies, says so, and allows once the rule does', async () => {
    expect(await fromPod('web', url)).toBe(passes);
    cluster.write('policy.yaml', policy('other'));
    await untilAnswered('403 policy-denied');
    expect(await fromPod('outsider', `http://${ipOf('permissive')}:8080/`)).toMatch(refused);

    const argv = ['authz', 'check', '--playground', cluster.name, '--from', 'shop/web', '--to', 'shop/permissive:8080'];
    const denied = await cluster.tulle(argv);
    expect(denied.stdout).toMatch(/denied\s+policy-denied: no rule of AuthorizationPolicy shop\/paint allows it/);
    expect(denied.status).toBe(1);

    const { value: pod } = await waitFor('the denials are shown', 10_000, async () => {
      const view = (await cluster.document('describe', 'pod', 'shop/permissive')) as PodView;
      return view.denials.length > 1 ? view : undefined;
    });
    expect(pod.policies.map(({ name }) => name)).toEqual(['paint']);
    expect(
      pod.denials
        .map(({ identity, port, reason }) => [identity ?? '', port, reason])
        .sort((a, b) => String(a).localeCompare(String(b))),
    ).toEqual([
      ['', 8080, 'policy-denied'],
      ['spiffe://cluster.local/ns/shop/sa/web', 8080, 'policy-denied'],
    ]);

    cluster.write('policy.yaml', policy('web'));
    await untilAnswered(passes);
    const allowed = await cluster.document(...argv.filter((word) => word !== '--playground' && word !== cluster.name));
    expect((allowed as AuthorizationCheckView).decisions).toEqual([
      { port: 8080, allowed: true, reason: 'rule', policy: 'shop/paint', rule: 0, policies: ['shop/paint'] },
    ]);
    cluster.remove('policy.yaml');
    await waitFor('the outsider is let in again', 10_000, async () =>
      (await fromPod('outsider', `http://${ipOf('permissive')}:8080/`)) === passes ? true : undefined,
    );
  });
});
