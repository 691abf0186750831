import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  FileRootStore,
  GivenAuthority,
  IssuerDirectory,
  NodeTokenAuthenticator,
  RotatingAuthority,
  tokenOrCertificate,
} from '@tulle/ca';
import type { Authenticate, Authority, AuthorityOptions, RotatableAuthority } from '@tulle/ca';
import type { Clock, Logger } from '@tulle/core';
import type { AuthenticateNode, NodeReport } from '@tulle/feed';
import type { ObjectStore } from './objects/object-store.ts';
import type { MeshSnapshot } from './pipeline/mesh-snapshot.ts';
import { sessionKeyOfFile } from './server/session-key.ts';

/** What a {@link Platform} may look at. */
export interface PlatformParts {
  readonly store: ObjectStore;
  readonly snapshot: () => MeshSnapshot;
}

/** What the place that a controller runs in brings with it: Kubernetes, or a machine without it. */
export interface Platform {
  readonly authority: Authority;
  /** The same authority where its root can be replaced by steps. */
  readonly rotation?: RotatableAuthority;
  /** What agents sign sessions with, base64url: the same for all controllers of the mesh, and after each restart. */
  readonly sessionKey?: string;
  /** Tells who asks for a certificate. */
  readonly authenticate: Authenticate;
  /** Tells which node's agent asks for configuration, or reports. */
  readonly authenticateNode: AuthenticateNode;
  /** Nodes that are known by tokens of their own. */
  readonly tokenNodes: () => readonly string[];
  /** Called once everything has been read and published. */
  start?(): void;
  /** Called with each new snapshot. Must not throw. */
  changed?(snapshot: MeshSnapshot): void;
  /** Called with each report of an agent. */
  report?(report: NodeReport): void;
  close?(): Promise<void>;
}

/** What {@link localPlatform} is made from. */
export interface LocalPlatformOptions {
  /** The authority's root is in its folder `ca`. */
  readonly stateDir: string;
  /** An issuer that an operator gives, in a directory that is watched; instead of a root of our own. */
  readonly issuerDir?: string;
  /** The directory of the nodes' bearer tokens. */
  readonly nodeTokensDir: string;
  readonly trustDomain: string;
  /** How long a workload certificate lives at most. */
  readonly certificateLifetimeMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A machine without Kubernetes: the authority's root in a file, a token for each node. Throws what the root's store does. */
export function localPlatform(options: LocalPlatformOptions): Platform {
  const { certificateLifetimeMs, clock, logger, nodeTokensDir, stateDir, trustDomain } = options;
  const nodes = new NodeTokenAuthenticator({ directory: nodeTokensDir, clock, logger });
  const authorityOptions = {
    clock,
    trustDomain,
    maxValidityMs: certificateLifetimeMs,
    defaultValidityMs: certificateLifetimeMs,
  };
  const store = new FileRootStore(join(stateDir, 'ca'));
  const given =
    options.issuerDir === undefined
      ? undefined
      : givenIssuer(options.issuerDir, store, { ...options, authorityOptions });
  const authority = given?.authority ?? new RotatingAuthority(store, authorityOptions);
  return {
    authority,
    rotation: authority,
    sessionKey: sessionKeyOfFile(join(stateDir, 'session.key')),
    authenticate: tokenOrCertificate((token) => nodes.authenticate(token), { clock, trustDomain }),
    authenticateNode: (token) => nodes.authenticate(token),
    tokenNodes: () => tokenNodes(nodeTokensDir),
    close: () => {
      given?.directory.close();
      return Promise.resolve();
    },
  };
}

/** An authority by the issuer of a directory; the roots that it trusts are kept where agents look for them. */
function givenIssuer(
  path: string,
  store: FileRootStore,
  options: Pick<LocalPlatformOptions, 'clock' | 'logger'> & { readonly authorityOptions: AuthorityOptions },
): { readonly authority: GivenAuthority; readonly directory: IssuerDirectory } {
  const directory = new IssuerDirectory({ directory: path, clock: options.clock, logger: options.logger });
  const issuer = directory.read();
  if (!issuer.ok) throw issuer.error;
  const authority = new GivenAuthority(issuer.value, options.authorityOptions, store.readBundle());
  const publish = () => store.publishBundle(authority.trustBundle.pem);
  publish();
  authority.onChange(publish);
  directory.watch((next) => {
    authority.offer(next);
    options.logger.info('another issuer was given', { phase: authority.phase });
  });
  return { authority, directory };
}

/** The nodes that have a token; none when the directory cannot be read, which the authenticator says. */
function tokenNodes(directory: string): string[] {
  try {
    return readdirSync(directory).filter((name) => !name.startsWith('.'));
  } catch {
    return [];
  }
}
