import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { routeCases } from '../routes/cases/index.ts';
import { caseManifests, sharedManifests, yamlOf } from '../routes/manifests.ts';
import type { Answer, Check, ClientNamespace } from '../routes/model.ts';
import { differences } from '../routes/verdict.ts';
import { TestCluster } from './support/test-cluster.ts';

/*
 * The route suite: every feature of routes, each case with a Service of its own, all on one playground, through real
 * sockets. The clients ask all questions at once, and each test looks at what came of its own.
 */
const cluster = new TestCluster('routes');
const answers = new Map<Check, Answer>();

const defaultPorts = { http1: 80, grpc: 90, tcp: 7000 } as const;

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
  cluster.write('00-shared.yaml', yamlOf(sharedManifests()));
  cluster.write('cases.yaml', yamlOf(routeCases.flatMap(caseManifests)));
  // Some of the routes are wrong on purpose, and it says so.
  const { stdout, stderr } = await cluster.up();
  if (!stdout.includes('running')) throw new Error(`the playground did not start:\n${stdout}${stderr}`);
  await cluster.untilCaptured('routes', ['blue', 'client', 'green', 'red', 'slow']);
  await cluster.untilCaptured('guests', ['abroad', 'client']);
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

  it.each(routeCases.map((one) => [one.name, one] as const))('%s', (_, one) => {
    const found = one.checks.flatMap((check) => {
      const answer = answers.get(check);
      const wrong = answer === undefined ? ['nothing came of it'] : differences(answer, check.expectation);
      return wrong.map((text) => `${JSON.stringify(check.question)}: ${text}`);
    });
    expect(found).toEqual([]);
  });
});
