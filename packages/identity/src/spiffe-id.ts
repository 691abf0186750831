import { CodedError, err, ok, type Result } from '@tulle/core';

const scheme = 'spiffe://';
/** SPIFFE-ID §2.1 and §2.3: the longest trust domain name and the longest id, in bytes. */
const maxTrustDomainBytes = 255;
const maxIdBytes = 2048;

/** The parts of a workload's identity, `spiffe://<trust domain>/ns/<namespace>/sa/<service account>`. */
export interface WorkloadIdentityParts {
  readonly trustDomain: string;
  readonly namespace: string;
  readonly serviceAccount: string;
}

/**
 * A valid SPIFFE id (SPIFFE-ID specification §2). Equal ids have equal `text`, so `text` serves as a map key.
 *
 * Nothing is normalised: an id with upper case in the scheme or the trust domain, a percent sign, a port, a query or an
 * empty path segment is refused, so that two spellings can never mean one workload.
 */
export class SpiffeId {
  readonly text: string;
  readonly trustDomain: string;
  /** What follows the trust domain, with its leading slash; empty for the id of a trust domain itself. */
  readonly path: string;
  /** The parts of the path when it has the form `/ns/<namespace>/sa/<service account>`. */
  readonly workload: { readonly namespace: string; readonly serviceAccount: string } | undefined;

  private constructor(trustDomain: string, path: string) {
    this.text = `${scheme}${trustDomain}${path}`;
    this.trustDomain = trustDomain;
    this.path = path;
    this.workload = workloadOf(path);
  }

  /** Parses and checks an id. The error, code `invalid-spiffe-id`, quotes the text and says what is wrong with it. */
  static parse(text: string): Result<SpiffeId, CodedError> {
    const refuse = (problem: string) =>
      err(new CodedError('invalid-spiffe-id', `${JSON.stringify(text.slice(0, 200))} is no SPIFFE id: ${problem}`));
    if (text.length > maxIdBytes) return refuse(`it is longer than ${maxIdBytes} bytes`);
    if (!text.startsWith(scheme)) return refuse('it does not begin with spiffe://');
    const slash = text.indexOf('/', scheme.length);
    const trustDomain = text.slice(scheme.length, slash < 0 ? undefined : slash);
    const path = slash < 0 ? '' : text.slice(slash);
    const problem = trustDomainProblem(trustDomain) ?? pathProblem(path);
    return problem === undefined ? ok(new SpiffeId(trustDomain, path)) : refuse(problem);
  }

  /** The identity of a service account. The error, code `invalid-spiffe-id`, says which part is wrong. */
  static forWorkload(parts: WorkloadIdentityParts): Result<SpiffeId, CodedError> {
    const id = SpiffeId.parse(`${scheme}${parts.trustDomain}/ns/${parts.namespace}/sa/${parts.serviceAccount}`);
    if (!id.ok || id.value.workload !== undefined) return id;
    return err(new CodedError('invalid-spiffe-id', `${id.value.text} names no service account: a part has a slash`));
  }

  toString(): string {
    return this.text;
  }

  toJSON(): string {
    return this.text;
  }
}

/** The identity that the mesh controller and its certificate authority serve with. */
export function controllerIdentity(trustDomain: string): SpiffeId {
  const id = SpiffeId.forWorkload({ trustDomain, namespace: 'tulle-system', serviceAccount: 'mesh-controller' });
  if (!id.ok) throw id.error;
  return id.value;
}

/** What is wrong with a trust domain's name (SPIFFE-ID §2.1), or undefined. */
export function trustDomainProblem(name: string): string | undefined {
  if (name === '') return 'the trust domain is empty';
  if (name.length > maxTrustDomainBytes) return `the trust domain is longer than ${maxTrustDomainBytes} bytes`;
  if (!/^[a-z0-9._-]+$/.test(name)) return 'a trust domain holds lower case letters, digits, ".", "-" and "_" only';
  return undefined;
}

function pathProblem(path: string): string | undefined {
  if (path === '') return undefined;
  for (const segment of path.slice(1).split('/')) {
    if (segment === '') return 'its path has an empty segment or ends with a slash';
    if (segment === '.' || segment === '..') return `its path has the segment "${segment}"`;
    if (!/^[A-Za-z0-9._-]+$/.test(segment)) return 'a path holds letters, digits, ".", "-" and "_" only';
  }
  return undefined;
}

function workloadOf(path: string): SpiffeId['workload'] {
  const parts = path.split('/');
  if (parts.length !== 5 || parts[1] !== 'ns' || parts[3] !== 'sa') return undefined;
  return { namespace: parts[2] as string, serviceAccount: parts[4] as string };
}
