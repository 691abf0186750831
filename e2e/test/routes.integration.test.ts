import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { routeCases } from '../routes/cases/index.ts';
import { caseManifests, sharedManifests, yamlOf } from '../routes/manifests.ts';
import type { SuiteCertificates } from '../routes/manifests.ts';
import { versions } from '../routes/model.ts';
import type { Answer, Check, ClientNamespace } from '../routes/model.ts';
import { waitFor } from '../src/playground-client.ts';
import { differences } from '../routes/verdict.ts';
import { TestCa } from '@tulle/testkit';
import { TestCluster } from './support/test-cluster.ts';

/*
 * The route suite: every feature of routes, each case with a Service of its own, all on one playground, through real
 * sockets. The clients ask all questions at once, and each test looks at what came of its own.
 */
const cluster = new TestCluster('routes');
const answers = new Map<Check, Answer>();

const defaultPorts = { http1: 80, grpc: 90, tcp: 7000, tls: 443 } as const;

/** What servers show over TLS. */
function certificates(): SuiteCertificates {
  const authority = new TestCa({ commonName: 'route suite' });
  const { certPem, keyPem } = authority.issue({
    dnsNames: ['app.example', 'other-app.example'],
    uris: ['spiffe://suite.example/app'],
  });
  const other = new TestCa({ commonName: 'another authority' });
  return {
    certificate: certPem,
    key: keyPem,
    root: authority.certificate.certPem,
    otherRoot: other.certificate.certPem,
  };
}

/** Asks all questions of the clients of a namespace, those of a case one after the other. */
async function askFrom(namespace: ClientNamespace): Promise<void> {
  const lists = routeCases.map((one) => ({
    service: one.service,
    checks: one.checks.filter(({ question }) => (question.from ?? 'routes') === namespace),
  }));
  const questions = lists.map(({ service, checks }) =>
    checks.map(({ question }) => ({
      port: defaultPorts[question.over ?? 'http1'],
      path: '/',
      ...question,
      host: `${question.to ?? service}.routes`,
    })),
  );
  const result = await cluster.exec(`${namespace}/client`, ['node', 'route-client.mjs'], JSON.stringify(questions));
  if (result.status !== 0) throw new Error(`the client of ${namespace} ended with ${result.status}: ${result.stderr}`);
  const results = JSON.parse(result.stdout) as readonly (readonly Answer[])[];
  lists.forEach(({ checks }, i) =>
    checks.forEach((check, j) => {
      const answer = results[i]?.[j];
      if (answer !== undefined) answers.set(check, answer);
    }),
  );
}

beforeAll(async () => {
  cluster.write('00-shared.yaml', yamlOf(sharedManifests(certificates())));
  cluster.write('cases.yaml', yamlOf(routeCases.flatMap(caseManifests)));
  // Some of the routes are wrong on purpose, and it says so.
  const { stdout, stderr } = await cluster.up();
  if (!stdout.includes('running')) throw new Error(`the playground did not start:\n${stdout}${stderr}`);
  await cluster.untilCaptured('routes', ['blue', 'client', 'green', 'red', 'slow']);
  await cluster.untilCaptured('guests', ['abroad', 'client']);
  // A pod whose readiness was in doubt while it was captured is ready again a moment later.
  await waitFor('every version answers', 20_000, async () => {
    const plans = versions.map((version) => ({ url: `http://${version}/` }));
    const results = await cluster.requests('routes/client', plans);
    return results.every(({ answers: all }, i) => all[`200 ${versions[i]}`] === 1) ? true : undefined;
  });
  for (const namespace of ['routes', 'guests'] as const) await askFrom(namespace);
});

afterAll(async () => {
  await cluster.down();
});

describe('the route suite', () => {
  it('has at least 120 cases, each with a Service of its own', () => {
    expect(routeCases.length).toBeGreaterThanOrEqual(120);
    expect(new Set(routeCases.map(({ service }) => service)).size).toBe(routeCases.length);
    expect(new Set(routeCases.map(({ name }) => name)).size).toBe(routeCases.length);
  });

  it('has routes that are wrong on purpose, which tulle analyze names with file and line', async () => {
    const { status, stdout } = await cluster.tulle(['analyze', '--playground', cluster.name]);
    expect(stdout).toMatch(
      /cases\.yaml:\d+: error: HTTPRoute routes\/backends-1: rules\[0\]\.backendRefs\[0\]: there is no Service "not-there"/,
    );
    expect(stdout).toMatch(
      /cases\.yaml:\d+: error: HTTPRoute routes\/conflicts-1-a: not on ports 80, 81, 90, 7000, 443: /,
    );
    expect(status).toBe(1);
  });

  it('asks nothing that any answer would do for', () => {
    const nothing: Answer = { status: 418, shares: { '418 teapot': 1 }, lines: ['teapot'] };
    const absent = ['access-control-allow-origin', 'set-cookie', 'x-version', 'x-from-server'];
    const other: Answer = { ...nothing, headers: Object.fromEntries(absent.map((field) => [field, 'teapot'])) };
    for (const { name, checks } of routeCases) {
      const isChecked = checks.some(({ expectation }) => differences(nothing, expectation).length > 0);
      const isCheckedToo = checks.some(({ expectation }) => differences(other, expectation).length > 0);
      expect([name, isChecked || isCheckedToo]).toEqual([name, true]);
    }
  });

  it.each(routeCases.map((one) => [one.name, one] as const))('%s', (_, one) => {
    const found = one.checks.flatMap((check) => {
      const answer = answers.get(check);
      const wrong = answer === undefined ? ['nothing came of it'] : differences(answer, check.expectation);
      return wrong.map((text) => `${JSON.stringify(check.question)}: ${text}`);
    });
    expect(found).toEqual([]);
  });
});
