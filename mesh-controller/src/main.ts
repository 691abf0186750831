import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { CodedError, errorMessage, systemClock } from '@tulle/core';
import { trustDomainProblem } from '@tulle/identity';
import { MeshController } from './controller.ts';
import { DirectorySource } from './objects/directory-source.ts';
import type { ObjectSource } from './objects/object-source.ts';
import { createLogger } from './server/logger.ts';
import { translateStore } from './pipeline/translate-store.ts';

interface Flags {
  readonly source: 'directory' | 'kubernetes';
  readonly objects?: string;
  readonly stateDir: string;
  readonly listen: string;
  readonly nodeTokens: string;
  readonly admin: string;
  readonly trustDomain: string;
  readonly mtlsMode: 'permissive' | 'strict';
  readonly drainSeconds: number;
  readonly logLevel: string;
}

const command = new Command('mesh-controller')
  .description("Tulle's mesh controller: translates Gateway API objects, streams them to agents, signs certificates")
  .addOption(
    new Option('--source <source>', 'where objects come from')
      .choices(['directory', 'kubernetes'])
      .default('directory'),
  )
  .option('--objects <dir>', 'with --source directory: the directory of manifests, watched')
  .requiredOption('--state-dir <dir>', "where state is kept: the authority's root in its folder ca")
  .option('--listen <host:port>', 'the gRPC port for agents (TLS)', '0.0.0.0:15012')
  .requiredOption(
    '--node-tokens <dir>',
    'one file a node, named after it, holding the bearer token that its agent shows',
  )
  .addOption(new Option('--admin <address>', 'the admin socket, unix:PATH').makeOptionMandatory().argParser(unixPath))
  .addOption(
    new Option('--trust-domain <name>', 'the trust domain of all identities')
      .default('cluster.local')
      .argParser(trustDomain),
  )
  .addOption(
    new Option('--mtls-mode <mode>', 'whether plaintext from outside the mesh is let in')
      .choices(['permissive', 'strict'])
      .default('permissive'),
  )
  .addOption(
    new Option('--drain-seconds <n>', 'how long calls under way may take when it stops').default(5).argParser(seconds),
  )
  .addOption(
    new Option('--log-level <level>', 'which log lines are written')
      .choices(['debug', 'info', 'warn', 'error'])
      .default('info'),
  );

function unixPath(address: string): string {
  if (!address.startsWith('unix:') || address === 'unix:') throw new InvalidArgumentError('expected unix:PATH');
  return address.slice('unix:'.length);
}

function trustDomain(name: string): string {
  const problem = trustDomainProblem(name);
  if (problem !== undefined) throw new InvalidArgumentError(problem);
  return name;
}

function seconds(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0 || value > 3600)
    throw new InvalidArgumentError('expected 0 to 3600 seconds');
  return value;
}

function sourceOf(flags: Flags, logger: ReturnType<typeof createLogger>): ObjectSource {
  if (flags.source === 'kubernetes') {
    throw new CodedError('NoKubernetesSource', 'this version reads objects from a directory only', {
      hint: '--source directory --objects DIR',
    });
  }
  if (flags.objects === undefined) throw new CodedError('Usage', '--source directory needs --objects DIR');
  return new DirectorySource({ directory: flags.objects, logger, clock: systemClock });
}

function packageVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8'));
  return String((manifest as { version?: unknown }).version);
}

async function serve(flags: Flags): Promise<void> {
  const logger = createLogger(flags.logLevel);
  const controller = new MeshController({
    source: sourceOf(flags, logger),
    translate: translateStore,
    settings: { trustDomain: flags.trustDomain, mtlsMode: flags.mtlsMode },
    stateDir: flags.stateDir,
    listen: flags.listen,
    nodeTokensDir: flags.nodeTokens,
    adminSocket: flags.admin,
    version: packageVersion(),
    clock: systemClock,
    logger,
  });
  let stopping = false;
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) process.exit(1);
    stopping = true;
    logger.info('stopping', { signal });
    void controller.drain(flags.drainSeconds * 1000).then(() => logger.info('stopped'));
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  await controller.start();
}

try {
  command.parse();
  await serve(command.opts<Flags>());
} catch (thrown) {
  const hint = thrown instanceof CodedError ? thrown.hint : undefined;
  process.stderr.write(`mesh-controller: ${errorMessage(thrown)}\n${hint === undefined ? '' : `  Try: ${hint}\n`}`);
  process.exit(1);
}
