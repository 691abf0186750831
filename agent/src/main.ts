import { errorMessage, systemClock } from '@tulle/core';
import { processLogger } from './log.ts';
import { MemoryTrimmer } from './memory-trimmer.ts';
import { AgentEndpoints } from './node/admin.ts';
import { Agent } from './node/agent.ts';
import { readOptions } from './options.ts';

const options = readOptions(process.argv);
const log = processLogger({ part: 'agent', node: options.node });

function fail(what: string, error: unknown): never {
  log.error(what, { error: errorMessage(error) });
  process.exit(1);
}

process.on('uncaughtException', (error) => fail('the agent met an error that nobody handled', error));
process.on('unhandledRejection', (error) => fail('the agent met an error that nobody handled', error));
if (options.capture === 'ebpf') fail('--capture ebpf is not available', new Error('use iptables or auto'));

new MemoryTrimmer();
const agent = new Agent(options, { log, clock: systemClock });
const endpoints = new AgentEndpoints(agent, log);
try {
  await endpoints.open();
} catch (error) {
  fail('an endpoint of the agent could not be opened', error);
}
log.info('the agent is running', { workers: options.workers, controller: options.controller });

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    log.info('the agent stops; redirects stay so that nothing leaves in plaintext', { signal });
    endpoints.close();
    void agent.finishLeaving(options.endDeadline * 1_000).finally(() => {
      agent.close();
      setTimeout(() => process.exit(0), 100).unref();
    });
  });
}
