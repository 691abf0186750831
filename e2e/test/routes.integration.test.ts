import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { routeCases } from '../routes/cases/index.ts';
import type { Answer } from '../routes/model.ts';
import { askAll, expectationOn, problemsOf, whyNot, type Answers } from '../routes/run.ts';
import { differences } from '../routes/verdict.ts';
import { PlaygroundGround } from './support/playground-ground.ts';
import { TestCluster } from './support/test-cluster.ts';

/*
 * The route suite: every feature of routes, each case with a Service of its own, all on one playground, through real
 * sockets. The clients ask all questions at once, and each test looks at what came of its own. The same cases run on a
 * Kubernetes cluster: ../cluster/test/routes.ts.
 */
const cluster = new TestCluster('routes', join(import.meta.dirname, '../routes/programs'));
const ground = new PlaygroundGround(cluster);
let answers: Answers = new Map();

beforeAll(async () => {
  answers = await askAll(routeCases, ground);
});

afterAll(async () => {
  await cluster.down();
});

describe('the route suite', () => {
  it('has at least 120 cases, each with a Service of its own, and leaves none out', () => {
    expect(routeCases.length).toBeGreaterThanOrEqual(120);
    expect(new Set(routeCases.map(({ service }) => service)).size).toBe(routeCases.length);
    expect(new Set(routeCases.map(({ name }) => name)).size).toBe(routeCases.length);
    expect(routeCases.flatMap((one) => whyNot(one, ground) ?? [])).toEqual([]);
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

  it.each(['directory', 'kubernetes'] as const)('asks nothing that any answer would do for (%s)', (source) => {
    const nothing: Answer = { status: 418, shares: { '418 teapot': 1 }, lines: ['teapot'] };
    const absent = ['access-control-allow-origin', 'set-cookie', 'x-version', 'x-from-server'];
    const other: Answer = { ...nothing, headers: Object.fromEntries(absent.map((field) => [field, 'teapot'])) };
    for (const { name, checks } of routeCases) {
      const isChecked = [nothing, other].some((answer) =>
        checks.some((check) => differences(answer, expectationOn({ source }, check)).length > 0),
      );
      expect([name, isChecked]).toEqual([name, true]);
    }
  });

  it.each(routeCases.map((one) => [one.name, one] as const))('%s', (_, one) => {
    expect(problemsOf(one, answers, ground)).toEqual([]);
  });
});
