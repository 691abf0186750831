// How long a configuration and a change of it take to reach many agents, all over TLS on this machine, in one process.
import { parseArgs } from 'node:util';
import { silentLogger, systemClock } from '@tulle/core';
import { mesh, service, workload } from '../test/mesh.ts';
import { TestController } from '../test/control-plane.ts';
import { FeedClient } from '../src/index.ts';

const { values } = parseArgs({
  options: { agents: { type: 'string', default: '100' }, workloads: { type: 'string', default: '2000' } },
});
const agents = Number(values.agents);
const workloads = Array.from({ length: Number(values.workloads) }, (_, n) => workload(`pod-${n}`));
const services = Array.from({ length: Math.ceil(workloads.length / 5) }, (_, n) => service(`service-${n}`));

await using controller = await new TestController().start();
let waiting = { version: '', left: 0, done: () => {} };
const all = (version: string): Promise<void> =>
  new Promise((done) => {
    waiting = { version, left: agents, done };
  });
const onSynced = (version: string) => {
  if (version === waiting.version && --waiting.left === 0) waiting.done();
};
const clients = Array.from(
  { length: agents },
  () =>
    new FeedClient({
      address: `127.0.0.1:${controller.port}`,
      credentials: controller.credentials('n1'),
      node: 'n1',
      clock: systemClock,
      logger: silentLogger,
      onDelta: () => {},
      onSynced,
      connectTimeoutMs: 60_000,
    }),
);

async function measure(what: string, action: () => string | undefined, version: string): Promise<void> {
  const synced = all(version);
  const begin = performance.now();
  const blocked = action();
  const calledMs = performance.now() - begin;
  await synced;
  const line = {
    what,
    agents,
    version: blocked,
    callMs: Math.round(calledMs),
    ms: Math.round(performance.now() - begin),
  };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

await measure(
  'the whole configuration',
  () => {
    const version = controller.feed.setState(mesh({ workloads, services }));
    for (const client of clients) client.start();
    return version;
  },
  'v1',
);
const changed = workloads.with(0, workload('pod-0', { addresses: ['10.9.9.9'] }));
await measure('one pod changed', () => controller.feed.setState(mesh({ workloads: changed, services })), 'v2');
process.stdout.write(`${JSON.stringify({ rssMiB: Math.round(process.memoryUsage().rss / 1048576) })}\n`);
for (const client of clients) client.close();
