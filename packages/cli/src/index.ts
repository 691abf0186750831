export { buildProgram, runCli } from './program.ts';
export { processContext, type CliContext } from './cli-context.ts';
