import { Command, Option } from 'commander';
import { pino } from 'pino';
import { CodedError, errorMessage, systemClock, type Logger } from '@tulle/core';
import { controllerIdentity, createGrpcServer, trustDomainProblem } from '@tulle/identity';
import type { Authority } from './authority.ts';
import { tokenOrCertificate } from './certificate-authenticator.ts';
import { registerCertificateService, type Authenticate, type Authorize } from './certificate-service.ts';
import { FileRootStore } from './file-root-store.ts';
import { GivenAuthority } from './given-authority.ts';
import { IssuerDirectory } from './issuer-directory.ts';
import { authorizeFromFile } from './node-identities.ts';
import { NodeTokenAuthenticator } from './node-token-authenticator.ts';
import { ServingCertificateKeeper } from './serving-certificate.ts';
import { TokenReviewAuthenticator } from './token-review.ts';

interface Flags {
  readonly source: 'files' | 'kubernetes';
  readonly stateDir: string;
  readonly issuerDir?: string;
  readonly listen: string;
  readonly nodeTokens?: string;
  readonly identities?: string;
  readonly kubeconfig?: string;
  readonly tokenAudiences: string;
  readonly agentServiceAccounts: string;
  readonly trustDomain: string;
  readonly certificateLifetime: string;
  readonly dnsName: readonly string[];
  readonly drainSeconds: string;
  readonly logLevel: string;
}

const command = new Command('tulle-ca')
  .description("Tulle's certificate authority: signs workload certificates for the nodes' agents")
  .addOption(
    new Option('--source <source>', 'where it is known who calls, and which node has which identities')
      .choices(['files', 'kubernetes'])
      .default('files'),
  )
  .option(
    '--node-tokens <dir>',
    'with --source files: one file a node, named after it, holding the bearer token that its agent shows',
  )
  .option(
    '--identities <file>',
    'with --source files: JSON, node names, each with the list of SPIFFE ids it may have certificates of',
  )
  .option('--kubeconfig <file>', "with --source kubernetes: a kubeconfig; else the pod's service account")
  .option('--token-audiences <list>', 'with --source kubernetes: whom tokens must be meant for', 'tulle-ca,istio-ca')
  .option(
    '--agent-service-accounts <list>',
    'with --source kubernetes: NAMESPACE/NAME of agents, which may ask for the identities of the pods of their node',
    'tulle-system/agent',
  )
  .option('--state-dir <dir>', 'where the root is kept; made on first use', '/var/lib/tulle/ca')
  .option(
    '--issuer-dir <dir>',
    'sign with the issuer in this directory instead, watched (tls.crt, tls.key, ca.crt, or as Istio has it)',
  )
  .option('--listen <host:port>', 'where the gRPC service listens', '0.0.0.0:15012')
  .option('--trust-domain <name>', 'the trust domain of all identities', 'cluster.local')
  .option('--certificate-lifetime <seconds>', 'how long a certificate lives at most', '86400')
  .option('--dns-name <name...>', "names in the server's certificate", ['tulle-ca.tulle-system.svc'])
  .option('--drain-seconds <n>', 'how long calls under way may take when it stops', '5')
  .option('--log-level <level>', 'debug, info, warn or error', 'info');

/** Log lines go to standard error as JSON. */
function createLogger(level: string): Logger {
  const wrap = (target: pino.Logger): Logger => ({
    debug: (message, fields) => target.debug(fields ?? {}, message),
    info: (message, fields) => target.info(fields ?? {}, message),
    warn: (message, fields) => target.warn(fields ?? {}, message),
    error: (message, fields) => target.error(fields ?? {}, message),
    child: (fields) => wrap(target.child(fields)),
  });
  return wrap(pino({ level, base: { app: 'ca' } }, pino.destination({ fd: 2, sync: true })));
}

interface OpenAuthority {
  readonly authority: Authority;
  /** Calls `listener` when the issuer or the roots are others. */
  onChange(listener: () => void): void;
  close(): void;
}

function openAuthority(flags: Flags, logger: Logger): OpenAuthority {
  const lifetimeMs = Number(flags.certificateLifetime) * 1000;
  if (!(lifetimeMs >= 60_000)) throw new CodedError('usage', '--certificate-lifetime: expected 60 seconds or more');
  const { trustDomain } = flags;
  const options = { clock: systemClock, trustDomain, maxValidityMs: lifetimeMs, defaultValidityMs: lifetimeMs };
  if (flags.issuerDir === undefined) {
    return { authority: new FileRootStore(flags.stateDir).open(options), onChange: () => {}, close: () => {} };
  }
  const directory = new IssuerDirectory({ directory: flags.issuerDir, clock: systemClock, logger });
  const issuer = directory.read();
  if (!issuer.ok) throw issuer.error;
  const authority = new GivenAuthority(issuer.value, options);
  directory.watch((next) => {
    authority.offer(next);
    // Whom clients trust is not told from here, so there is nothing to wait for.
    if (authority.phase === 'prepared') authority.take('switch');
    logger.info('another issuer was given', { issuer: authority.issuer.subject });
  });
  return { authority, onChange: (listener) => authority.onChange(listener), close: () => directory.close() };
}

/** Who calls, and who may have what. */
interface Callers {
  readonly authenticate: Authenticate;
  readonly authorize: Authorize;
  close(): Promise<void>;
}

function callersByFiles({ nodeTokens, identities }: Flags, logger: Logger): Callers {
  if (nodeTokens === undefined) throw new CodedError('usage', '--source files needs --node-tokens DIR');
  if (identities === undefined) throw new CodedError('usage', '--source files needs --identities FILE');
  const nodes = new NodeTokenAuthenticator({ directory: nodeTokens, clock: systemClock, logger });
  return {
    authenticate: (token) => nodes.authenticate(token),
    authorize: authorizeFromFile(identities),
    close: () => Promise.resolve(),
  };
}

async function callersByKubernetes(flags: Flags, logger: Logger): Promise<Callers> {
  // Loaded where it is needed: an authority by files needs no client.
  const { KubernetesClient } = await import('@tulle/kubernetes');
  const { PodIdentities } = await import('./pod-identities.ts');
  const client = KubernetesClient.load(flags.kubeconfig === undefined ? {} : { kubeconfig: flags.kubeconfig });
  const { trustDomain } = flags;
  const pods = new PodIdentities({ client, trustDomain, clock: systemClock, logger });
  const tokens = new TokenReviewAuthenticator({
    client,
    nodeOfPod: (pod) => pods.nodeOfPod(pod),
    audiences: flags.tokenAudiences.split(','),
    agentServiceAccounts: flags.agentServiceAccounts.split(','),
    trustDomain,
    clock: systemClock,
    logger,
  });
  return {
    authenticate: (token) => tokens.authenticate(token),
    authorize: pods.authorize,
    close: async () => {
      await pods.close();
      await client.close();
    },
  };
}

async function serve(flags: Flags): Promise<void> {
  const problem = trustDomainProblem(flags.trustDomain);
  if (problem !== undefined) throw new CodedError('usage', `--trust-domain: ${problem}`);
  const logger = createLogger(flags.logLevel);
  const { trustDomain } = flags;
  const opened = openAuthority(flags, logger);
  const { authority } = opened;
  const callers = flags.source === 'files' ? callersByFiles(flags, logger) : await callersByKubernetes(flags, logger);
  const keeper = new ServingCertificateKeeper({
    authority,
    identity: controllerIdentity(trustDomain),
    dnsNames: flags.dnsName,
    clock: systemClock,
    logger,
    onCertificate: (certificate) => server.setCertificate(certificate),
  });
  const server = createGrpcServer({
    listen: flags.listen,
    tls: keeper.first,
    maxReceiveBytes: 64 * 1024,
    clientRootsPem: authority.trustBundle.pem,
  });
  opened.onChange(() => {
    keeper.renewNow();
    server.setClientRoots(authority.trustBundle.pem);
  });
  registerCertificateService(server.server, {
    authority,
    authenticate: tokenOrCertificate(callers.authenticate, { clock: systemClock, trustDomain }),
    authorize: callers.authorize,
    clock: systemClock,
    logger,
  });
  const port = await server.listen();
  const issuer = authority.issuer.subject;
  logger.info('serving', { listen: flags.listen, port, trustDomain, issuer, source: flags.source });
  const stop = () => {
    keeper.close();
    opened.close();
    void server.drain(Number(flags.drainSeconds) * 1000).then(() => callers.close());
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

try {
  command.parse();
  await serve(command.opts<Flags>());
} catch (thrown) {
  process.stderr.write(`tulle-ca: ${errorMessage(thrown)}\n`);
  if (thrown instanceof CodedError && thrown.hint !== undefined) process.stderr.write(`hint: ${thrown.hint}\n`);
  process.exitCode = thrown instanceof CodedError && thrown.code === 'usage' ? 2 : 1;
}
