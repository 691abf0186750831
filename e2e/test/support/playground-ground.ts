import type { SuiteGround, SuiteObjects } from '../../routes/ground.ts';
import { yamlOf } from '../../routes/manifests.ts';
import type { TestCluster } from './test-cluster.ts';

/** A playground as the ground of the route suite. */
export class PlaygroundGround implements SuiteGround {
  readonly source = 'directory';
  readonly absentKinds: ReadonlyMap<string, string> = new Map();
  readonly #cluster: TestCluster;

  constructor(cluster: TestCluster) {
    this.#cluster = cluster;
  }

  async apply({ shared, cases }: SuiteObjects): Promise<void> {
    this.#cluster.write('00-shared.yaml', yamlOf(shared));
    this.#cluster.write('cases.yaml', yamlOf(cases));
    // Some of the routes are wrong on purpose, and it says so.
    const { stdout, stderr } = await this.#cluster.up();
    if (!stdout.includes('running')) throw new Error(`the playground did not start:\n${stdout}${stderr}`);
    await this.#cluster.untilCaptured('routes', ['blue', 'client', 'green', 'red', 'slow']);
    await this.#cluster.untilCaptured('guests', ['abroad', 'client']);
  }

  async exec(pod: string, command: readonly string[], input: string): Promise<string> {
    const { status, stdout, stderr } = await this.#cluster.exec(pod, command, input);
    if (status !== 0) throw new Error(`${command.join(' ')} in ${pod} ended with ${status}: ${stderr}`);
    return stdout;
  }
}
