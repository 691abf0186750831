import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { CodedError, errorMessage, systemClock } from '@tulle/core';
import { trustDomainProblem } from '@tulle/identity';
import type { AdminAddress } from './admin/admin-server.ts';
import { MeshController, type ControllerOptions } from './controller.ts';
import { DirectorySource } from './objects/directory-source.ts';
import { StoreTranslator } from './pipeline/store-translator.ts';
import { localPlatform } from './platform.ts';
import { OutsideTrust } from './server/outside-trust.ts';
import { createLogger } from './server/logger.ts';

interface Flags {
  readonly source: 'directory' | 'kubernetes';
  readonly objects?: string;
  readonly stateDir: string;
  readonly listen: string;
  readonly nodeTokens?: string;
  readonly issuerDir?: string;
  readonly admin: AdminAddress;
  readonly ready?: AdminAddress;
  readonly trustDomain: string;
  readonly mtlsMode: 'permissive' | 'strict';
  readonly certificateLifetime: number;
  readonly drainSeconds: number;
  readonly externalCa?: string;
  readonly externalCaName?: string;
  readonly externalCaBundle?: string;
  readonly federatedTrustDomain: readonly FederatedFlag[];
  readonly logLevel: string;
  readonly kubeconfig?: string;
  readonly systemNamespace: string;
  readonly tokenAudiences: readonly string[];
  readonly agentServiceAccounts?: readonly string[];
}

interface FederatedFlag {
  readonly trustDomain: string;
  readonly bundleFile: string;
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
  .option(
    '--node-tokens <dir>',
    'with --source directory: one file a node, named after it, holding the bearer token that its agent shows',
  )
  .option(
    '--issuer-dir <dir>',
    'with --source directory: sign with the issuer in this directory, watched (tls.crt, tls.key, ca.crt, or as Istio has it)',
  )
  .addOption(
    new Option('--admin <address>', 'the admin endpoint, unix:PATH, or HOST:PORT of a loopback address')
      .makeOptionMandatory()
      .argParser(adminAddress),
  )
  .addOption(
    new Option('--ready <host:port>', 'where probes ask: /healthz and /readyz, nothing else').argParser(hostPort),
  )
  .option('--kubeconfig <file>', "with --source kubernetes: a kubeconfig; else the pod's service account")
  .option('--system-namespace <name>', "with --source kubernetes: where the mesh's own objects are", 'tulle-system')
  .addOption(
    new Option('--token-audiences <list>', 'with --source kubernetes: whom tokens must be meant for')
      .default(['tulle-ca', 'istio-ca'])
      .argParser(commaList),
  )
  .addOption(
    new Option(
      '--agent-service-accounts <list>',
      'with --source kubernetes: NAMESPACE/NAME of agents (default: agent in the system namespace)',
    ).argParser(commaList),
  )
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
    new Option('--certificate-lifetime <seconds>', 'how long a workload certificate lives at most')
      .default(86_400)
      .argParser(lifetime),
  )
  .addOption(
    new Option('--external-ca <host:port>', 'agents have certificates signed there: ca/ alone, or istio-csr').argParser(
      hostPortText,
    ),
  )
  .option('--external-ca-name <name>', 'with --external-ca: the DNS name in its certificate')
  .option('--external-ca-bundle <file>', 'with --external-ca: the roots that workloads trust (PEM), watched')
  .addOption(
    new Option('--federated-trust-domain <name=file>', 'lets workloads of another trust domain connect, by its roots')
      .default([])
      .argParser(federated),
  )
  .addOption(
    new Option('--drain-seconds <n>', 'how long calls under way may take when it stops').default(5).argParser(seconds),
  )
  .addOption(
    new Option('--log-level <level>', 'which log lines are written')
      .choices(['debug', 'info', 'warn', 'error'])
      .default('info'),
  );

function adminAddress(text: string): AdminAddress {
  if (text.startsWith('unix:') && text !== 'unix:') return text.slice('unix:'.length);
  const address = hostPort(text);
  // Who reaches it reads everything.
  if (address.host !== '127.0.0.1' && address.host !== '::1') {
    throw new InvalidArgumentError('expected unix:PATH, 127.0.0.1:PORT or [::1]:PORT');
  }
  return address;
}

function hostPort(text: string): { readonly host: string; readonly port: number } {
  const found = /^(?:\[([0-9a-fA-F:]+)\]|([^:/]+)):(\d{1,5})$/.exec(text);
  const host = found?.[1] ?? found?.[2];
  const port = Number(found?.[3]);
  if (host === undefined || port > 65_535) throw new InvalidArgumentError('expected HOST:PORT');
  return { host, port };
}

function hostPortText(text: string): string {
  hostPort(text);
  return text;
}

function federated(text: string, before: readonly FederatedFlag[]): readonly FederatedFlag[] {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('expected NAME=FILE');
  return [...before, { trustDomain: trustDomain(text.slice(0, at)), bundleFile: text.slice(at + 1) }];
}

/** Whom the mesh trusts besides its own authority, where the flags name somebody. */
function outsideTrust(flags: Flags, logger: ReturnType<typeof createLogger>): OutsideTrust | undefined {
  const { externalCa: address, externalCaName: serverName, externalCaBundle: bundleFile } = flags;
  const { federatedTrustDomain } = flags;
  if (federatedTrustDomain.some((domain) => domain.trustDomain === flags.trustDomain)) {
    throw new CodedError('Usage', "--federated-trust-domain names the mesh's own trust domain");
  }
  if (address === undefined && federatedTrustDomain.length === 0) return undefined;
  const tools = { federated: federatedTrustDomain, clock: systemClock, logger };
  if (address === undefined) return new OutsideTrust(tools);
  if (serverName === undefined || bundleFile === undefined) {
    throw new CodedError('Usage', '--external-ca needs --external-ca-name NAME and --external-ca-bundle FILE');
  }
  return new OutsideTrust({ external: { address, serverName, bundleFile }, ...tools });
}

function commaList(text: string): readonly string[] {
  const parts = text.split(',').map((part) => part.trim());
  if (parts.includes('')) throw new InvalidArgumentError('expected values with commas between');
  return parts;
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

/** A certificate that lives for less is renewed more often than an authority that restarts can bear. */
function lifetime(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 60 || value > 30 * 86_400) {
    throw new InvalidArgumentError('expected 60 to 2592000 seconds');
  }
  return value;
}

type SourceAndPlatform = Pick<ControllerOptions, 'source' | 'platform' | 'translate'>;

async function fromKubernetes(flags: Flags, logger: ReturnType<typeof createLogger>): Promise<SourceAndPlatform> {
  // Loaded where it is needed: the client's modules take longer to load than all else.
  const { openKubernetes } = await import('./kubernetes/open-kubernetes.ts');
  const { systemNamespace, trustDomain, tokenAudiences, certificateLifetime } = flags;
  return openKubernetes({
    ...(flags.kubeconfig === undefined ? {} : { kubeconfig: flags.kubeconfig }),
    systemNamespace,
    trustDomain,
    tokenAudiences,
    certificateLifetimeMs: certificateLifetime * 1000,
    agentServiceAccounts: flags.agentServiceAccounts ?? [`${systemNamespace}/agent`],
    clock: systemClock,
    logger,
  });
}

function fromDirectory(flags: Flags, logger: ReturnType<typeof createLogger>): SourceAndPlatform {
  const { objects, nodeTokens, issuerDir, stateDir, trustDomain, certificateLifetime } = flags;
  if (objects === undefined) throw new CodedError('Usage', '--source directory needs --objects DIR');
  if (nodeTokens === undefined) throw new CodedError('Usage', '--source directory needs --node-tokens DIR');
  const translator = new StoreTranslator();
  return {
    source: new DirectorySource({ directory: objects, logger, clock: systemClock }),
    platform: () =>
      localPlatform({
        stateDir,
        ...(issuerDir === undefined ? {} : { issuerDir }),
        nodeTokensDir: nodeTokens,
        trustDomain,
        certificateLifetimeMs: certificateLifetime * 1000,
        clock: systemClock,
        logger,
      }),
    translate: (store, settings, nowMs) => translator.translate(store, settings, nowMs),
  };
}

function packageVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8'));
  return String((manifest as { version?: unknown }).version);
}

async function serve(flags: Flags): Promise<void> {
  const logger = createLogger(flags.logLevel);
  const outside = outsideTrust(flags, logger);
  const controller = new MeshController({
    ...(flags.source === 'kubernetes' ? await fromKubernetes(flags, logger) : fromDirectory(flags, logger)),
    settings: { trustDomain: flags.trustDomain, mtlsMode: flags.mtlsMode },
    ...(outside === undefined ? {} : { outside }),
    stateDir: flags.stateDir,
    listen: flags.listen,
    admin: flags.admin,
    ...(flags.ready === undefined ? {} : { ready: flags.ready }),
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
