// Runs the route suite, every feature of routes through real sockets, on the real cluster: the same cases as on the
// playground (../../test/routes.integration.test.ts). `node e2e/cluster/test/routes.ts [--name CLUSTER]`. Needs a cluster
// that is up (npm run cluster:up). Where it finds no mesh it installs one for as long as it runs. It leaves nothing.
import { parseArgs } from 'node:util';
import { routeCases } from '../../routes/cases/index.ts';
import { askAll, problemsOf, whyNot, type Answers } from '../../routes/run.ts';
import { defaultClusterName } from '../src/settings.ts';
import { ClusterGround } from './cluster-ground.ts';
import { clusterUnderTest, tulle } from './cluster-under-test.ts';
import { Proof } from './proof.ts';

/** As many cases as the issue that asked for the suite wants at least. */
const leastCases = 120;

const { values: options } = parseArgs({ options: { name: { type: 'string', default: defaultClusterName() } } });
const cluster = await clusterUnderTest(options.name);
const proof = new Proof();

const ground = await ClusterGround.take(cluster);
const there = await cluster.kubectl(['get', 'deployment', 'mesh-controller', '-n=tulle-system', '--ignore-not-found']);
if (there === '') await tulle(cluster, ['install']);
const cases = routeCases.filter((one) => whyNot(one, ground) === undefined);
let answers: Answers = new Map();
const asked = await proof.check('every question is asked in pods of the cluster', async () => {
  answers = await askAll(cases, ground);
  return `${answers.size} questions of ${cases.length} cases`;
});
if (asked) {
  for (const one of routeCases) {
    const reason = whyNot(one, ground);
    if (reason === undefined) {
      await proof.check(one.name, () => {
        const problems = problemsOf(one, answers, ground);
        if (problems.length > 0) throw new Error(problems.join('\n      '));
        return '';
      });
    } else console.log(`not run  ${one.name}: ${reason}`);
  }
}
await proof.check(`at least ${leastCases} cases ran`, () => {
  if (!asked || cases.length < leastCases) throw new Error(`${asked ? cases.length : 0} did`);
  return `${cases.length} of ${routeCases.length}`;
});
await proof.check('nothing is left of the suite', async () => {
  await ground[Symbol.asyncDispose]();
  if (there === '') await tulle(cluster, ['uninstall']);
  return '';
});
proof.finish();
