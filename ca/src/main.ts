import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { pino } from 'pino';
import { CodedError, errorMessage, systemClock, type Logger } from '@tulle/core';
import { controllerIdentity, createGrpcServer, trustDomainProblem } from '@tulle/identity';
import { CertificateAuthority } from './certificate-authority.ts';
import { registerCertificateService } from './certificate-service.ts';
import { FileRootStore } from './file-root-store.ts';
import { authorizeFromFile } from './node-identities.ts';
import { NodeTokenAuthenticator } from './node-token-authenticator.ts';
import { ServingCertificateKeeper } from './serving-certificate.ts';

interface Flags {
  readonly stateDir: string;
  readonly issuerCert?: string;
  readonly issuerKey?: string;
  readonly listen: string;
  readonly nodeTokens: string;
  readonly identities: string;
  readonly trustDomain: string;
  readonly dnsName: readonly string[];
  readonly drainSeconds: string;
  readonly logLevel: string;
}

const command = new Command('tulle-ca')
  .description("Tulle's certificate authority: signs workload certificates for the nodes' agents")
  .requiredOption(
    '--node-tokens <dir>',
    'one file a node, named after it, holding the bearer token that its agent shows',
  )
  .requiredOption(
    '--identities <file>',
    'JSON: node names, each with the list of SPIFFE ids it may have certificates of',
  )
  .option('--state-dir <dir>', 'where the root is kept; made on first use', '/var/lib/tulle/ca')
  .addOption(new Option('--issuer-cert <file>', 'sign with this issuer instead (PEM: issuer first, root last)'))
  .addOption(new Option('--issuer-key <file>', "the issuer's key (PEM)"))
  .option('--listen <host:port>', 'where the gRPC service listens', '0.0.0.0:15012')
  .option('--trust-domain <name>', 'the trust domain of all identities', 'cluster.local')
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

function openAuthority(flags: Flags): CertificateAuthority {
  const options = { clock: systemClock, trustDomain: flags.trustDomain };
  if (flags.issuerCert === undefined && flags.issuerKey === undefined) {
    return new FileRootStore(flags.stateDir).open(options);
  }
  if (flags.issuerCert === undefined || flags.issuerKey === undefined) {
    throw new CodedError('usage', '--issuer-cert and --issuer-key go together');
  }
  const certificatePem = readFileSync(flags.issuerCert, 'utf8');
  return CertificateAuthority.load({ certificatePem, keyPem: readFileSync(flags.issuerKey, 'utf8') }, options);
}

async function serve(flags: Flags): Promise<void> {
  const problem = trustDomainProblem(flags.trustDomain);
  if (problem !== undefined) throw new CodedError('usage', `--trust-domain: ${problem}`);
  const logger = createLogger(flags.logLevel);
  const authority = openAuthority(flags);
  const keeper = new ServingCertificateKeeper({
    authority,
    identity: controllerIdentity(flags.trustDomain),
    dnsNames: flags.dnsName,
    clock: systemClock,
    logger,
    onCertificate: (certificate) => server.setCertificate(certificate),
  });
  const server = createGrpcServer({ listen: flags.listen, tls: keeper.first, maxReceiveBytes: 64 * 1024 });
  const nodes = new NodeTokenAuthenticator({ directory: flags.nodeTokens, clock: systemClock, logger });
  registerCertificateService(server.server, {
    authority,
    authenticate: (token) => nodes.authenticate(token),
    authorize: authorizeFromFile(flags.identities),
    clock: systemClock,
    logger,
  });
  const port = await server.listen();
  logger.info('serving', {
    listen: flags.listen,
    port,
    trustDomain: flags.trustDomain,
    issuer: authority.issuer.subject,
  });
  const stop = () => {
    keeper.close();
    void server.drain(Number(flags.drainSeconds) * 1000);
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
