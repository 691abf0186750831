import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

// The modules that follow are compiled once a checkout, not once a command.
enableCompileCache(join(import.meta.dirname, '../../../.cache/compile'));
const { processContext } = await import('./cli-context.ts');
const { buildProgram, runCli } = await import('./program.ts');
const { registerAnalyze } = await import('./commands/analyze.ts');
const { registerTranslate } = await import('./commands/translate.ts');
const { registerPlayground } = await import('./commands/playground.ts');

const context = processContext();
process.exitCode = await runCli(
  buildProgram(context, [
    (program) => registerAnalyze(program, context),
    (program) => registerTranslate(program, context),
    registerPlayground,
  ]),
  process.argv.slice(2),
  context,
);
