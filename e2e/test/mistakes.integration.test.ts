import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { RouteView, StatusView } from '@tulle/admin-api';
import { waitFor } from '../src/playground-client.ts';
import type { CommandResult } from '../src/playground-client.ts';
import { schemaErrors } from './support/documents.ts';
import { TestCluster } from './support/test-cluster.ts';

const cluster = new TestCluster('mistakes');
let up: CommandResult;

beforeAll(async () => {
  // Not among the manifests of the repository: it is no YAML, which its checks would refuse.
  cluster.write('unreadable.yaml', 'apiVersion: v1\nkind: Service\nmetadata: { name: half, namespace: shop\nspec: [\n');
  up = await cluster.up();
});

afterAll(async () => {
  await cluster.down();
});

const paint = () => cluster.answers('shop/web', 'http://paint/');
const blue = () => cluster.answers('shop/web', 'http://blue/');

describe('manifests with mistakes, when a playground starts', () => {
  it('are each named with file, line and reason, and give exit status 1', () => {
    expect(up.status).toBe(1);
    expect(up.stderr).toMatch(/^unreadable\.yaml:\d+: not valid YAML/m);
    expect(up.stderr).toMatch(/^misspelt\.yaml:2: HTTPRuote shop\/misspelt: .*did you mean HTTPRoute/m);
    expect(up.stderr).toMatch(/^negative\.yaml:10: HTTPRoute shop\/negative: .*weight: -1 is less than the minimum 0/m);
    const missing = 'there is no Service "not-there" in namespace "shop"';
    expect(up.stderr).toContain(`no-service.yaml:2: HTTPRoute shop/no-parent: ${missing}\n`);
    expect(up.stderr).toMatch(/^no-service\.yaml:9: HTTPRoute shop\/no-backend: .*there is no Service "not-there"/m);
  });

  it('leave everything else running', async () => {
    const { pods } = await cluster.status();
    expect(pods.map(({ name, ready, captured }) => [name, ready, captured])).toEqual([
      ['blue', true, true],
      ['red', true, true],
      ['web', true, true],
    ]);
    expect(await paint()).toEqual({ '200 red': 1 });
  });

  it('are shown by tulle status, at the place where a person wrote them', async () => {
    const document = (await cluster.document('status')) as StatusView;
    expect(schemaErrors('status', document)).toEqual([]);
    expect(document.problems.map(({ object, file, line }) => [object?.name, file, line])).toEqual([
      ['no-backend', 'no-service.yaml', 9],
      ['no-parent', 'no-service.yaml', 2],
    ]);
  });
});

describe('routes of what is not there', () => {
  const condition = async (name: string, type: string) => {
    const document = (await cluster.document('describe', 'route', `shop/${name}`)) as RouteView;
    expect(schemaErrors('route', document)).toEqual([]);
    return document.parents[0]?.conditions.find((each) => each.type === type);
  };

  it('have a status that says so', async () => {
    expect(await condition('no-parent', 'Accepted')).toMatchObject({
      status: 'False',
      message: expect.stringContaining('not-there'),
    });
    expect(await condition('no-backend', 'ResolvedRefs')).toMatchObject({
      status: 'False',
      reason: 'BackendNotFound',
      message: expect.stringContaining('not-there'),
    });
  });

  it('answer with the reason, and work as soon as it is there', async () => {
    expect(await blue()).toEqual({ '500 invalid-backend': 1 });
    cluster.write(
      'there.yaml',
      `
apiVersion: v1
kind: Service
metadata: { name: not-there, namespace: shop }
spec: { selector: { version: blue }, ports: [{ port: 80, targetPort: 8080 }] }
`,
    );
    await waitFor('the backend is found', 5_000, async () => ((await blue())['200 blue'] === 1 ? true : undefined));
    expect(await condition('no-parent', 'Accepted')).toMatchObject({ status: 'True' });
    expect(await condition('no-backend', 'ResolvedRefs')).toMatchObject({ status: 'True' });
  });
});

describe('mistakes in edits of a playground that runs', () => {
  /** Waits until the status names this problem, and nothing but what `there` names has it. */
  async function untilProblem(file: string, line: number | undefined, words: string): Promise<void> {
    await waitFor(`${file} is reported`, 5_000, async () => {
      const { problems } = await cluster.status();
      const found = problems.find((problem) => problem.file === file && problem.message.includes(words));
      return found !== undefined && (line === undefined || found.line === line) ? true : undefined;
    });
  }

  async function untilNoProblem(file: string): Promise<void> {
    await waitFor(`${file} is in order`, 5_000, async () =>
      (await cluster.status()).problems.some((problem) => problem.file === file) ? undefined : true,
    );
  }

  it('keep the last good version of an object, and say so, while requests flow', async () => {
    const flow = await cluster.flow('shop/web', { url: 'http://paint/', concurrency: 2 });
    cluster.edit('route.yaml', (text) => text.replace('weight: 1', 'weight: -1').replace('red', 'blue'));
    await untilProblem('route.yaml', 11, '-1');
    expect(await paint()).toEqual({ '200 red': 1 });
    cluster.edit('route.yaml', (text) => text.replace('weight: -1', 'weight: 1'));
    await waitFor('the mended route acts', 5_000, async () => ((await paint())['200 blue'] === 1 ? true : undefined));
    await untilNoProblem('route.yaml');
    const { answers } = await flow.stop();
    expect(Object.keys(answers).sort()).toEqual(['200 blue', '200 red']);
  });

  it('keep all objects of a file that cannot be read', async () => {
    const before = (await cluster.status()).pods.map(({ uid }) => uid);
    const flow = await cluster.flow('shop/web', { url: 'http://paint/', concurrency: 1, fresh: true });
    cluster.edit('cluster.yaml', (text) => `${text}\n---\nkind: {\n`);
    await untilProblem('cluster.yaml', undefined, 'not valid YAML');
    expect((await cluster.status()).pods.map(({ uid }) => uid)).toEqual(before);
    cluster.edit('cluster.yaml', (text) => text.replace('\n---\nkind: {\n', ''));
    await untilNoProblem('cluster.yaml');
    expect((await cluster.status()).pods.map(({ uid }) => uid)).toEqual(before);
    expect(Object.keys((await flow.stop()).answers)).toEqual(['200 blue']);
  });

  it('are forgotten with the files that had them', async () => {
    for (const file of ['unreadable.yaml', 'misspelt.yaml', 'negative.yaml']) cluster.remove(file);
    await waitFor('nothing is wrong any more', 5_000, async () => ((await cluster.status()).ready ? true : undefined));
    expect(((await cluster.document('status')) as StatusView).problems).toEqual([]);
  });
});
