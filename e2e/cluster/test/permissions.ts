// Proves that what the mesh may ask of the API server is what it asks, to the verb, from what the API server writes down:
// `node e2e/cluster/test/permissions.ts [--name CLUSTER]`. Needs a cluster that is up (npm run cluster:up). It installs
// the mesh, makes it do everything that it does, and uninstalls it. Takes about a minute.
import { readFileSync, statSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { parseAllDocuments, stringify } from 'yaml';
import { auditLogOf, defaultClusterName } from '../src/settings.ts';
import { waitFor } from '../src/wait.ts';
import { clusterUnderTest, networkOfPod, PodProgram, tulle } from './cluster-under-test.ts';
import { type AuditEvent, permissionsOf, refusals, type Rule } from './permissions-used.ts';
import { Proof } from './proof.ts';

const namespace = 'permissions';
const controller = 'system:serviceaccount:tulle-system:mesh-controller';
const waitMs = 60_000;

/** Permissions that nothing in this cluster makes use of, and what would. */
const elsewhere: Readonly<Record<string, string>> = {
  'create clustertrustbundles.certificates.k8s.io':
    'API servers that have ClusterTrustBundles; 1.36 has them switched off',
  'patch clustertrustbundles.certificates.k8s.io': 'the same',
  'delete clustertrustbundles.certificates.k8s.io': 'the same',
  'list clustertrustbundles.certificates.k8s.io': 'the same, while a BackendTLSPolicy names one',
  'watch clustertrustbundles.certificates.k8s.io': 'the same',
  'list serviceimports.multicluster.x-k8s.io': 'clusters that are joined by ServiceImports',
  'watch serviceimports.multicluster.x-k8s.io': 'the same',
  'attest signers.certificates.k8s.io tulle.dev/mesh-ca': 'the same; it is asked within the API server',
  'update secrets tulle-ca': 'tulle ca rotate, which takes a day',
};

const { values: options } = parseArgs({ options: { name: { type: 'string', default: defaultClusterName() } } });
const cluster = await clusterUnderTest(options.name);
const { kubectl } = cluster;
const proof = new Proof();

const logFile = auditLogOf(cluster.plan);
const eventsSince = (offset: number): AuditEvent[] =>
  readFileSync(logFile)
    .subarray(offset)
    .toString()
    .split('\n')
    .filter((line) => line.endsWith('}'))
    .map((line) => JSON.parse(line) as AuditEvent);

const backendRefs = [{ name: 'echo', port: 80 }];
const parentRefs = [{ group: '', kind: 'Service', name: 'echo', port: 80 }];
/** A route of each kind, and the version of its API. */
const routes: readonly (readonly [kind: string, version: string, more: object])[] = [
  ['HTTPRoute', 'v1', {}],
  ['GRPCRoute', 'v1', {}],
  ['TLSRoute', 'v1', { hostnames: ['echo.example'] }],
  ['TCPRoute', 'v1', {}],
  ['UDPRoute', 'v1', {}],
];
/** A policy of each kind, with a spec that is one of two. */
const targetRefs = [{ group: '', kind: 'Service', name: 'echo' }];
const policies: readonly (readonly [kind: string, apiVersion: string, spec: (even: boolean) => object])[] = [
  [
    'AuthorizationPolicy',
    'tulle.dev/v1alpha1',
    (even) => ({
      targetRefs: [{ kind: 'Pod', selector: { matchLabels: { app: 'echo' } } }],
      action: 'ALLOW',
      enforcementLevel: 'Network',
      rules: [{ networkAttributes: { ports: even ? [8080] : [8080, 8081] } }],
    }),
  ],
  [
    'BackendTLSPolicy',
    'gateway.networking.k8s.io/v1',
    (even) => ({
      targetRefs,
      // Kubernetes puts this ConfigMap into every namespace, with CA certificates under ca.crt.
      validation: {
        hostname: even ? 'a.example' : 'b.example',
        caCertificateRefs: [{ group: '', kind: 'ConfigMap', name: 'kube-root-ca.crt' }],
      },
    }),
  ],
  [
    'XBackendTrafficPolicy',
    'gateway.networking.x-k8s.io/v1alpha1',
    (even) => ({ targetRefs, retryConstraint: { budget: { percent: even ? 20 : 30 } } }),
  ],
];
const objects = [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels: { 'tulle.dev/mesh': 'enabled' } } },
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'echo', namespace },
    spec: { selector: { app: 'echo' }, ports: [{ port: 80, targetPort: 8080 }] },
  },
  ...['echo', 'blocked'].map((app) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: app, namespace, labels: { app, ...(app === 'blocked' ? { 'tulle.dev/mesh': 'disabled' } : {}) } },
    spec: {
      terminationGracePeriodSeconds: 0,
      containers: [
        { name: 'echo', image: 'registry.k8s.io/gateway-api/conformance/echo-advanced:v0.1.0', args: ['--port=8080'] },
      ],
    },
  })),
  ...routes.map(([kind, version, more]) => ({
    apiVersion: `gateway.networking.k8s.io/${version}`,
    kind,
    metadata: { name: 'echo', namespace },
    spec: { parentRefs, rules: [{ backendRefs }], ...more },
  })),
  ...policies.map(([kind, apiVersion, spec]) => ({
    apiVersion,
    kind,
    metadata: { name: 'echo', namespace },
    spec: spec(true),
  })),
];
/** The kinds that get statuses, by the names of their resources, and what makes a new generation of one. */
const withStatus: readonly (readonly [resource: string, spec: (even: boolean) => object])[] = [
  ...routes.map(
    ([kind]) =>
      [
        `${kind.toLowerCase()}s`,
        (even: boolean) => ({ parentRefs: [{ ...parentRefs[0], port: even ? 80 : 81 }] }),
      ] as const,
  ),
  ...policies.map(([kind, , spec]) => [`${kind.toLowerCase().slice(0, -1)}ies`, spec] as const),
];
/** A name that only our kind has: other programs have AuthorizationPolicies, too. */
const ours = (resource: string): string => resource.replace(/^authorizationpolicies$/, '$&.tulle.dev');

await tulle(cluster, ['uninstall']);
await kubectl(['delete', 'namespace', namespace, '--ignore-not-found'], { timeoutMs: waitMs });
const offset = statSync(logFile).size;
const events = (): AuditEvent[] => eventsSince(offset).filter(({ user }) => user.username === controller);
const used = (verb: string, resource: string): true | undefined =>
  events().some((event) => event.verb === verb && event.objectRef?.resource === resource) || undefined;

await tulle(cluster, ['install']);
const rules = await rulesOfController();
await kubectl(['apply', '--server-side', '--filename', '-'], {
  input: objects.map((object) => stringify(object)).join('---\n'),
});
await kubectl(['wait', 'pod', '--all', `-n=${namespace}`, '--for=condition=Ready', '--timeout=50s'], {
  timeoutMs: waitMs,
});
await proof.check('a status on each kind of route and of policy', async () => {
  for (const [resource] of withStatus) {
    const read = ['get', ours(resource), 'echo', `-n=${namespace}`, '-o=jsonpath={.status}'];
    const written = async (): Promise<true | undefined> =>
      (await kubectl(read)).includes('tulle.dev/mesh-controller') || undefined;
    await waitFor(`a status of ours on one of the ${resource}`, written, { timeoutMs: waitMs });
  }
  return withStatus.map(([resource]) => resource).join(', ');
});
await proof.check('a BackendTLSPolicy whose CA certificates are in a ConfigMap is accepted', async () => {
  const conditions = '{range .status.ancestors[*].conditions[*]}{.type}={.status} {end}';
  const read = ['get', 'backendtlspolicies', 'echo', `-n=${namespace}`, `-o=jsonpath=${conditions}`];
  const accepted = async (): Promise<true | undefined> =>
    (await kubectl(read)).startsWith('Accepted=True ResolvedRefs=True') || undefined;
  await waitFor('Accepted and ResolvedRefs', accepted, { timeoutMs: waitMs });
  return await kubectl(read);
});
await proof.check('a pod that cannot be captured is told of by an Event', async () => {
  // The port of the tunnel is taken before the agent comes.
  const network = await networkOfPod(cluster, namespace, 'app=blocked');
  using program = new PodProgram(network, 'echo-stream.mjs', ['15008']);
  await program.line();
  await kubectl(['label', 'pod', 'blocked', `-n=${namespace}`, 'tulle.dev/mesh=enabled', '--overwrite']);
  await waitFor('an Event', () => used('create', 'events'), { timeoutMs: waitMs });
  return '';
});
await proof.check('an object that somebody else wrote meanwhile is read again', async () => {
  for (const [resource, specOf] of withStatus) {
    let round = 0;
    const conflict = async (): Promise<true | undefined> => {
      round += 1;
      // A new generation makes the controller write; the labels come between its reading and its writing.
      const spec = specOf(round % 2 === 0);
      const labels = ['a', 'b', 'c', 'd'].map((label) => ({ metadata: { labels: { [label]: `${round}` } } }));
      await Promise.all(
        [{ spec }, ...labels].map(
          async (patch) =>
            await kubectl([
              'patch',
              ours(resource),
              'echo',
              `-n=${namespace}`,
              '--type=merge',
              `-p=${JSON.stringify(patch)}`,
            ]),
        ),
      );
      return used('get', resource);
    };
    await waitFor(`one of the ${resource} was read again`, conflict, { timeoutMs: waitMs });
  }
  return '';
});
await tulle(cluster, ['uninstall']);
await kubectl(['delete', 'namespace', namespace], { timeoutMs: waitMs });

await proof.check('nothing was refused', () => {
  const refused = refusals(events());
  if (refused.length > 0) throw new Error(refused.join('; '));
  return `${events().length} requests of the mesh controller`;
});
await proof.check('nothing is allowed that is not used', () => {
  const permissions = permissionsOf(rules, events());
  const idle = permissions.filter((each) => !each.used).map(({ resource, verb }) => `${verb} ${resource}`);
  const unknown = idle.filter((each) => elsewhere[each] === undefined);
  if (unknown.length > 0) throw new Error(unknown.join('; '));
  for (const each of idle) console.log(`      ${each} is for ${elsewhere[each]}`);
  return `${permissions.length - idle.length} of ${permissions.length} permissions`;
});
await proof.check('agents ask nothing of the API server', () => {
  const others = eventsSince(offset).filter(({ user }) => user.username !== controller);
  if (others.length > 0) throw new Error(JSON.stringify(others[0]));
  return '';
});
proof.finish();

/** The rules of all roles that are bound to the controller, as they are in the cluster. */
async function rulesOfController(): Promise<Rule[]> {
  const printed = await tulle(cluster, ['install', '--print']);
  return parseAllDocuments(printed)
    .map((document) => document.toJS() as { kind: string; rules?: Rule[] })
    .filter(({ kind }) => kind === 'ClusterRole' || kind === 'Role')
    .flatMap((role) => role.rules ?? []);
}
