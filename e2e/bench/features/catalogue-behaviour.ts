import { namespaces } from '../manifests.ts';
import { answers, feature, routed } from './feature.ts';
import type { Checker, Feature, GroundName } from './model.ts';
import { backends, originPorts, rule, to } from './routes.ts';

const group = 'Rules, policies and settings';
const timeouts = { request: '500ms', backendRequest: '400ms' };
const retry = { codes: [503], attempts: 2, backoff: '10ms' };
const session = { type: 'Cookie', cookie: { name: 'seat' } };
const manyRequests = 200;

async function splits(checker: Checker): Promise<string | undefined> {
  const bodies = (await checker.ask(undefined, { count: manyRequests })).map((answer) => answer.body);
  const share = bodies.filter((body) => body.startsWith(`${originPorts.other} `)).length / manyRequests;
  return share > 0.05 && share < 0.15 ? undefined : `${(share * 100).toFixed(1)} % went to the backend of 10 %`;
}

async function timesOut(checker: Checker): Promise<string | undefined> {
  const [slow] = await checker.ask({ path: '/slow' });
  return slow?.status === 504 ? routed(checker) : `a slow answer gave ${slow?.status}, and should give 504`;
}

async function retries(checker: Checker): Promise<string | undefined> {
  const flaky = await checker.ask({ path: '/flaky' }, { count: 10 });
  const failed = flaky.filter((answer) => answer.status !== 200).length;
  return failed === 0 ? routed(checker) : `${failed} of 10 requests failed, of which the second try would not have`;
}

async function keepsSessions(checker: Checker): Promise<string | undefined> {
  const seen = await checker.askAnew(await withSession(checker), 20);
  const ports = new Set(seen.map((answer) => answer.body.split(' ')[0]));
  return ports.size === 1 ? undefined : `a session was at ${ports.size} backends`;
}

async function withSession(checker: Checker) {
  const [answer] = await checker.ask({ path: '/' });
  const cookie = answer?.headers.get('set-cookie')?.split(';')[0];
  return { path: '/', headers: { cookie: cookie ?? 'none' } };
}

const sessionRule = { sessionPersistence: session, backendRefs: [to(backends.routed), to(backends.other)] };

async function refusesStrangers(checker: Checker): Promise<string | undefined> {
  const [stranger] = await checker.askAsStranger();
  return stranger?.status === 403 ? routed(checker) : `a stranger got ${stranger?.status}, and should get 403`;
}

function logging(ground: GroundName, wanted: boolean): Feature['check'] {
  return async (checker) => {
    const before = await checker.accessLogLines();
    await checker.ask(undefined, { count: 10 });
    const lines = (await checker.accessLogLines()) - before;
    return lines >= 10 === wanted ? routed(checker) : `${ground}: ${lines} lines of 10 requests`;
  };
}

/** Rows of what is no filter. */
export const behaviours: readonly Feature[] = [
  {
    ...feature('weights', group, 'weights of 90 and 10', [
      rule({ backendRefs: [to(backends.routed, { weight: 90 }), to(backends.other, { weight: 10 })] }),
    ]),
    check: splits,
  },
  { ...feature('timeouts', group, 'timeouts of request and backend request', [rule({ timeouts })]), check: timesOut },
  {
    ...feature('retries', group, 'retries with a budget; none is needed', [
      rule({ retry, backendRefs: [to(backends.budget)] }),
    ]),
    check: retries,
  },
  {
    ...feature('session-new', group, 'session persistence: each request begins one', [rule(sessionRule)]),
    check: keepsSessions,
  },
  {
    ...feature('session-kept', group, 'session persistence: each request brings its cookie', [rule(sessionRule)]),
    check: keepsSessions,
    prepare: withSession,
  },
  {
    ...feature('authorization', group, 'an authorization policy at the server', [
      rule({ backendRefs: [to('guarded-routed')] }),
    ]),
    app: 'guarded',
    check: refusesStrangers,
  },
  {
    ...feature('backend-tls', group, 'BackendTLSPolicy: TLS to the application', [
      rule({ backendRefs: [to(backends.tls)] }),
    ]),
    check: answers((body) => body.startsWith(`${originPorts.tls} `), 'the application should be asked over TLS'),
  },
  {
    ...feature('log-off', group, 'access log off (agents of its own)', [rule()]),
    ground: 'log-off',
    against: undefined,
    check: logging('log-off', false),
  },
  {
    ...feature('log-all', group, 'access log of all requests (agents of its own)', [rule()]),
    ground: 'log-all',
    against: 'log-off',
    check: logging('log-all', true),
  },
];

/** What the policies' rows need beside Services. `root` is the PEM of who signed the application's certificate. */
export function policyManifests(root: string): object[] {
  const metadata = (name: string) => ({ name, namespace: namespaces.meshed });
  const target = (name: string) => [{ group: '', kind: 'Service', name }];
  return [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: metadata('origin-ca'), data: { 'ca.crt': root } },
    {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'BackendTLSPolicy',
      metadata: metadata(backends.tls),
      spec: {
        targetRefs: target(backends.tls),
        validation: {
          hostname: tlsHostname,
          caCertificateRefs: [{ group: '', kind: 'ConfigMap', name: 'origin-ca' }],
        },
      },
    },
    {
      apiVersion: 'gateway.networking.x-k8s.io/v1alpha1',
      kind: 'XBackendTrafficPolicy',
      metadata: metadata(backends.budget),
      spec: {
        targetRefs: target(backends.budget),
        retryConstraint: { budget: { percent: 20, interval: '10s' }, minRetryRate: { count: 10, interval: '1s' } },
      },
    },
    {
      apiVersion: 'tulle.dev/v1alpha1',
      kind: 'AuthorizationPolicy',
      metadata: metadata('guarded'),
      spec: {
        targetRefs: [{ kind: 'Pod', selector: { matchLabels: { app: 'guarded' } } }],
        action: 'ALLOW',
        enforcementLevel: 'Network',
        rules: [{ sources: [{ type: 'ServiceAccount', serviceAccount: { name: 'client' } }] }],
      },
    },
  ];
}

/** The name in the application's certificate. */
export const tlsHostname = 'app.example';
