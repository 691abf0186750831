import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

// The modules that follow are compiled once a checkout, not once a command.
enableCompileCache(join(import.meta.dirname, '../../../.cache/compile'));
const { processContext } = await import('./cli-context.ts');
const { buildProgram, runCli } = await import('./program.ts');

// Commands that ask a controller do without the playground's modules, which take longer to load than the rest together.
const args = process.argv.slice(2);
const withoutPlayground = ['status', 'describe', 'certificates', 'certs', 'version'].includes(args[0] ?? '');
const more = withoutPlayground ? [] : [(await import('./commands/playground.ts')).registerPlayground];
const context = processContext();
process.exitCode = await runCli(buildProgram(context, more), args, context);
