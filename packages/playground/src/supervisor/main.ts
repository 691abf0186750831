import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { errorMessage } from '@tulle/core';
import type { SupervisorMessage, SupervisorOptions } from './options.ts';

// The modules that follow are compiled once a checkout, not once a playground.
enableCompileCache(join(import.meta.dirname, '../../../../.cache/compile'));
const { supervise } = await import('./supervisor.ts');

const options = JSON.parse(process.argv[2] ?? '{}') as SupervisorOptions;

/** The `up` that started us may be gone: then nobody listens, and that is all right. */
function tell(message: SupervisorMessage): void {
  if (process.connected && process.send !== undefined) process.send(message, undefined, {}, () => {});
}

process.on('disconnect', () => {});
try {
  await supervise(options, tell);
} catch (error) {
  process.stdout.write(`${errorMessage(error)}\n`);
  process.exit(1);
}
if (process.connected) process.disconnect?.();
