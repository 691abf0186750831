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

/** Fewer would be no proof of every feature. */
const leastCases = 120;

const { values: options } = parseArgs({ options: { name: { type: 'string', default: defaultClusterName() } } });
const proof = new Proof();

/** Runs the suite on a ground; gives how many of its cases ran. */
async function runCases(ground: ClusterGround): Promise<number> {
  const cases = routeCases.filter((one) => whyNot(one, ground) === undefined);
  let answers: Answers = new Map();
  const asked = await proof.check('every question is asked in pods of the cluster', async () => {
    answers = await askAll(cases, ground);
    return `${answers.size} questions of ${cases.length} cases`;
  });
  if (!asked) return 0;
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
  return cases.length;
}

try {
  const cluster = await clusterUnderTest(options.name);
  const ground = await ClusterGround.take(cluster);
  const mesh = ['get', 'deployment', 'mesh-controller', '-n=tulle-system', '--ignore-not-found'];
  const isThere = (await cluster.kubectl(mesh)) !== '';
  if (!isThere) await tulle(cluster, ['install']);
  const ran = await runCases(ground);
  await proof.check(`at least ${leastCases} cases ran`, () => {
    if (ran < leastCases) throw new Error(`${ran} did`);
    return `${ran} of ${routeCases.length}`;
  });
  await proof.check('nothing is left of the suite', async () => {
    await ground[Symbol.asyncDispose]();
    if (!isThere) await tulle(cluster, ['uninstall']);
    return '';
  });
} catch (error) {
  await proof.check('the cluster is there for the suite', () => {
    throw error;
  });
}
proof.finish();
