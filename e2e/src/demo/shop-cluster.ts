import { join } from 'node:path';
import { PlaygroundClient } from '../playground-client.ts';

/** The counts of one run of the load client. */
export interface LoadResult {
  readonly requests: number;
  readonly failed: number;
  readonly versions: Readonly<Record<string, number>>;
  readonly failures: Readonly<Record<string, number>>;
}

/** The demo's shop in a playground of its own, from a copy of the manifests that the demo may edit. */
export class ShopCluster extends PlaygroundClient {
  constructor(name: string) {
    super(name, { manifests: [join(import.meta.dirname, 'shop')] });
  }

  /** Sends `count` requests from a pod and counts the answers. */
  async load(pod: string, argv: readonly string[]): Promise<LoadResult> {
    return await this.execJson<LoadResult>(pod, ['node', 'load.mjs', ...argv]);
  }

  /** Starts requests that go on until `stop` is called, which gives the counts. */
  startLoad(pod: string, url: string, concurrency: number): { stop(): Promise<LoadResult> } {
    const child = this.startExec(pod, ['node', 'load.mjs', url, '0', `${concurrency}`]);
    let stdout = '';
    child.stdout?.on('data', (bytes) => (stdout += bytes));
    const ended = new Promise<LoadResult>((resolve, reject) => {
      child.on('close', (status) => {
        if (status === 0) resolve(JSON.parse(stdout) as LoadResult);
        else reject(new Error(`the load client in ${pod} ended with ${status}`));
      });
    });
    return {
      stop: () => {
        child.stdin?.end();
        return ended;
      },
    };
  }
}
