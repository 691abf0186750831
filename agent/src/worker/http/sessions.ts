import type { HeaderBlock } from '@tulle/core';
import type { MeshService, SessionPersistence } from '@tulle/ir';
import { serviceKey } from '@tulle/ir';
import { CompiledSession, sessionKeyBytes, SessionSigner } from '@tulle/routing';
import type { BalancedEndpoint, EndpointBalancer, HeaderEdits } from '@tulle/routing';
import type { ServicePortView } from '../mesh-view.ts';

/** The endpoints of a balancer by what tokens call them. */
interface TagIndex {
  readonly revision: number;
  readonly signer: SessionSigner;
  readonly byTag: ReadonlyMap<string, BalancedEndpoint>;
  readonly tags: ReadonlyMap<BalancedEndpoint, string>;
}

/** What begins a session at one endpoint within one second: the same for all who begin then. */
interface Beginning {
  readonly signer: SessionSigner;
  readonly second: number;
  readonly edits: HeaderEdits;
}

/** So many endpoints' beginnings are kept for a session's rule. */
const maxBeginnings = 1024;

/**
 * The sessions of requests with endpoints (GEP-1619), as one worker knows them: no table is kept, everything is in
 * the tokens that clients bring. They are signed with a key that the whole mesh shares, so a client may come back through
 * any worker of any node.
 */
export class Sessions {
  #signer: SessionSigner | undefined;
  readonly #ofServices = new WeakMap<SessionPersistence, CompiledSession>();
  readonly #indexes = new WeakMap<EndpointBalancer, TagIndex>();
  readonly #beginnings = new WeakMap<CompiledSession, Map<string, Beginning>>();

  /**
   * Takes the mesh's key, base64url. Tokens of another key are void from now on; without a key, or with one that is too
   * short to be one, no sessions begin.
   */
  setKey(key: string | undefined): void {
    const bytes = Buffer.from(key ?? '', 'base64url');
    this.#signer = bytes.length < sessionKeyBytes ? undefined : new SessionSigner(bytes);
  }

  /** How the sessions of a Service are kept where no rule says so. */
  ofService({ sessionPersistence }: MeshService): CompiledSession | undefined {
    if (sessionPersistence === undefined) return undefined;
    let session = this.#ofServices.get(sessionPersistence);
    if (session === undefined) {
      session = new CompiledSession(sessionPersistence);
      this.#ofServices.set(sessionPersistence, session);
    }
    return session;
  }

  /** What the request's token calls its endpoint, where it brings a token that is good. */
  tagOf(session: CompiledSession, headers: HeaderBlock): string | undefined {
    const token = session.tokenOf(headers);
    if (token === undefined || this.#signer === undefined) return undefined;
    const { name, absoluteTimeoutMs } = session.config;
    return this.#signer.verify(name, token, { nowMs: Date.now(), absoluteTimeoutMs })?.tag;
  }

  /** The endpoint of that name among those of a Service port, if it is there and healthy. */
  endpointOf(tag: string, port: ServicePortView): BalancedEndpoint | undefined {
    const endpoint = this.#indexOf(port)?.byTag.get(tag);
    return endpoint?.health === 'healthy' ? endpoint : undefined;
  }

  /** What a response says so that its client comes back to `endpoint`; undefined while there is no key. */
  begin(session: CompiledSession, port: ServicePortView, endpoint: BalancedEndpoint): HeaderEdits | undefined {
    const signer = this.#signer;
    const tag = this.#indexOf(port)?.tags.get(endpoint);
    if (tag === undefined || signer === undefined) return undefined;
    const nowMs = Date.now();
    // Tokens tell seconds apart.
    const second = Math.floor(nowMs / 1000);
    const beginnings = this.#beginningsOf(session);
    const known = beginnings.get(tag);
    if (known?.second === second && known.signer === signer) return known.edits;
    const edits = session.edits(signer.issue(session.config.name, tag, nowMs));
    if (beginnings.size >= maxBeginnings) beginnings.clear();
    beginnings.set(tag, { signer, second, edits });
    return edits;
  }

  #beginningsOf(session: CompiledSession): Map<string, Beginning> {
    let beginnings = this.#beginnings.get(session);
    if (beginnings === undefined) {
      beginnings = new Map();
      this.#beginnings.set(session, beginnings);
    }
    return beginnings;
  }

  #indexOf({ balancer, service, port }: ServicePortView): TagIndex | undefined {
    const signer = this.#signer;
    if (signer === undefined) return undefined;
    const known = this.#indexes.get(balancer);
    if (known?.revision === balancer.revision && known.signer === signer) return known;
    const byTag = new Map<string, BalancedEndpoint>();
    const tags = new Map<BalancedEndpoint, string>();
    for (const balanced of balancer.endpoints) {
      const { address, port: endpointPort, workload } = balanced.endpoint;
      const tag = signer.tagOf({ service: serviceKey(service), port: port.port, address, endpointPort, workload });
      byTag.set(tag, balanced);
      tags.set(balanced, tag);
    }
    const index = { revision: balancer.revision, signer, byTag, tags };
    this.#indexes.set(balancer, index);
    return index;
  }
}
