import {
  cliApiVersion,
  type CertificateAuthorityView,
  type ProblemView,
  type RouteListView,
  type StatusView,
} from '@tulle/admin-api';
import type { Authority, RotatableAuthority, RotationStep } from '@tulle/ca';
import { CodedError, type Clock } from '@tulle/core';
import { suggest } from '@tulle/gateway-api';
import type { Workload } from '@tulle/ir';
import type { ObjectStore } from '../objects/object-store.ts';
import type { MeshPipeline } from '../pipeline/mesh-pipeline.ts';
import type { SigningLedger } from '../server/signing-ledger.ts';
import type { AgentRecord } from '../views/agent-record.ts';
import { allRoutes, routeKinds } from '../views/attached-routes.ts';
import { authorizationCheck } from '../views/authorization-view.ts';
import { caView, rootViews } from '../views/ca-views.ts';
import { certificatesView } from '../views/certificates-view.ts';
import { dumpState } from '../views/dump.ts';
import { nodeProblems, nodeViews, type NodeFacts } from '../views/node-views.ts';
import { podView } from '../views/pod-view.ts';
import { objectProblems, problemsOf } from '../views/problem-views.ts';
import { rotationView } from '../views/rotation-view.ts';
import { routeViews } from '../views/route-view.ts';
import { serviceView } from '../views/service-view.ts';
import { AdminError, notFound } from './admin-error.ts';
import type { AdminHandler, AdminRequest } from './admin-server.ts';

/** What the configuration feed knows: its version, and the agents. */
export interface FeedFacts {
  /** The configuration that agents should have. */
  readonly configVersion: string;
  readonly publishedAtMs?: number;
  /** How long every connected agent took to acknowledge it; undefined while one has not. */
  readonly convergenceMs?: number;
  readonly agents: ReadonlyMap<string, AgentRecord>;
}

/** What the admin endpoint answers from. */
export interface AdminFacts {
  readonly store: ObjectStore;
  readonly pipeline: MeshPipeline;
  readonly authority: Authority;
  /** The authority, if its root can be replaced. */
  readonly rotation?: RotatableAuthority;
  readonly ledger: SigningLedger;
  /** The feed as it is now. */
  readonly feed: () => FeedFacts;
  /** Nodes that have a token. */
  readonly tokenNodes: () => readonly string[];
  readonly source: 'directory' | 'kubernetes';
  readonly version: string;
  readonly clock: Clock;
  readonly startedAtMs: number;
}

/** What the CLI and probes ask of the controller. */
export class AdminApi {
  readonly #facts: AdminFacts;

  constructor(facts: AdminFacts) {
    this.#facts = facts;
  }

  /** Answers a request; throws an {@link AdminError}. */
  readonly handle: AdminHandler = (request) => {
    const [first, ...rest] = request.segments;
    if (first === 'healthz' && rest.length === 0) return { status: 'ok' };
    if (first === 'readyz' && rest.length === 0) return this.#ready();
    if (first !== 'v1') throw unknownPath(request);
    this.#facts.pipeline.flush();
    return this.#document(rest, request);
  };

  #document(segments: readonly string[], request: AdminRequest): object | Promise<object> {
    const [noun, ...names] = segments;
    const [first = '', second = '', third = '', fourth = ''] = names;
    if (request.method === 'POST') {
      if (noun === 'ca' && first === 'rotation' && names.length === 2) return this.#rotate(second);
      throw new AdminError(405, 'MethodNotAllowed', `nothing is done by POST at /${request.segments.join('/')}`);
    }
    switch (`${noun}/${names.length}`) {
      case 'ca/0':
        return this.#authority();
      case 'status/0':
        return this.#status();
      case 'services/2':
        return this.#service(first, second);
      case 'routes/2':
        return this.#routes(undefined, first, second);
      case 'routes/3':
        return this.#route(first, second, third);
      case 'pods/2':
        return this.#pod(first, second);
      case 'authorization/4':
        return this.#authorization(this.#workload(first, second), this.#workload(third, fourth), request);
      case 'certificates/0':
        return this.#certificates(request.query.get('namespace') ?? undefined);
      case 'problems/0':
        return { apiVersion: cliApiVersion, kind: 'Problems', problems: this.#problems() };
      case 'dump/0':
        return dumpState(this.#facts.pipeline.snapshot.state, this.#facts.feed().configVersion);
      default:
        throw unknownPath(request);
    }
  }

  #ready(): object {
    if (this.#facts.pipeline.started) return { status: 'ok' };
    throw new AdminError(503, 'Syncing', 'the objects have not been read to their end yet');
  }

  #status(): StatusView {
    const { store, pipeline, authority, ledger, source, version, clock, startedAtMs } = this.#facts;
    const feed = this.#facts.feed();
    const { trustDomain, mtlsMode } = pipeline.snapshot.state.settings;
    return {
      apiVersion: cliApiVersion,
      kind: 'Status',
      controller: {
        state: pipeline.started ? 'running' : 'syncing',
        version,
        uptimeMs: Math.round(clock.monotonicMs() - startedAtMs),
        source,
        trustDomain,
        mtlsMode,
        configVersion: feed.configVersion,
        ...(feed.publishedAtMs === undefined ? {} : { publishedAt: new Date(feed.publishedAtMs).toISOString() }),
        ...(feed.convergenceMs === undefined ? {} : { convergenceMs: Math.round(feed.convergenceMs * 10) / 10 }),
        objects: store.counts(),
      },
      ca: caView(authority, ledger, clock.nowMs()),
      nodes: nodeViews(this.#nodeFacts(feed)),
      problems: this.#problems(),
    };
  }

  #service(namespace: string, name: string): object {
    const { store, pipeline } = this.#facts;
    const view = serviceView(namespace, name, store, pipeline.snapshot);
    if (view !== undefined) return view;
    const names = [...store.ofKind('Service')].map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
    throw notFound(`Service ${namespace}/${name}`, suggestName(namespace, name, names));
  }

  #workload(namespace: string, name: string): Workload {
    const { workloads } = this.#facts.pipeline.snapshot.state;
    const workload = workloads.get(`${namespace}/${name}`);
    if (workload !== undefined) return workload;
    throw notFound(`pod ${namespace}/${name} with an address`, suggestName(namespace, name, [...workloads.keys()]));
  }

  #pod(namespace: string, name: string): object {
    const { store, pipeline, feed } = this.#facts;
    const workload = this.#workload(namespace, name);
    return podView({
      state: pipeline.snapshot.state,
      workload,
      agent: feed().agents.get(workload.node),
      problems: problemsOf({ kind: 'Pod', namespace, name }, store, pipeline.snapshot),
    });
  }

  #authorization(from: Workload, to: Workload, { query }: AdminRequest): object {
    const text = query.get('port');
    const port = text === null ? undefined : Number(text);
    if (port !== undefined && !(Number.isInteger(port) && port > 0 && port <= 65_535)) {
      throw new AdminError(400, 'BadRequest', `"${text}" is no port`);
    }
    return authorizationCheck(this.#facts.pipeline.snapshot.state, { from, to }, port);
  }

  #routes(kind: string | undefined, namespace: string, name: string): RouteListView {
    const { store, pipeline } = this.#facts;
    const items = routeViews({ namespace, name, ...(kind === undefined ? {} : { kind }) }, store, pipeline.snapshot);
    if (items.length === 0) {
      const kindName = routeKinds.find((known) => known.toLowerCase() === kind?.toLowerCase());
      const names = [...allRoutes(store)]
        .filter((route) => kindName === undefined || route.kind === kindName)
        .map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
      throw notFound(`${kindName ?? 'route'} ${namespace}/${name}`, suggestName(namespace, name, names));
    }
    return { apiVersion: cliApiVersion, kind: 'RouteList', items };
  }

  #route(kind: string, namespace: string, name: string): object {
    if (!routeKinds.some((known) => known.toLowerCase() === kind.toLowerCase())) {
      throw new AdminError(404, 'UnknownKind', `"${kind}" is no kind of route`, `one of ${routeKinds.join(', ')}`);
    }
    return this.#routes(kind, namespace, name).items[0] ?? {};
  }

  #certificates(namespace: string | undefined): object {
    const nowMs = this.#facts.clock.nowMs();
    const roots = rootViews(this.#facts.authority, nowMs);
    return certificatesView({ roots, agents: this.#facts.feed().agents.values(), nowMs }, namespace);
  }

  #authority(): CertificateAuthorityView {
    const { authority, ledger, clock, rotation, feed } = this.#facts;
    const nowMs = clock.nowMs();
    const { agents, configVersion } = feed();
    return {
      apiVersion: cliApiVersion,
      kind: 'CertificateAuthority',
      status: caView(authority, ledger, nowMs),
      roots: rootViews(authority, nowMs),
      bundle: authority.trustBundle.pem,
      rotation: rotationView({ authority, phase: rotation?.phase, agents: agents.values(), configVersion }),
    };
  }

  async #rotate(step: string): Promise<CertificateAuthorityView> {
    const { rotation } = this.#facts;
    if (rotation === undefined) {
      throw new AdminError(409, 'RotationUnsupported', 'the root is not kept by this controller, but given to it');
    }
    if (!isRotationStep(step)) throw new AdminError(404, 'UnknownStep', `"${step}" is no step of a rotation`);
    const [waitsFor] = this.#authority().rotation.waitsFor;
    if (waitsFor !== undefined && step !== 'abort') {
      throw new AdminError(409, 'RotationWaits', `"${step}" would break connections: ${waitsFor}`, 'tulle ca status');
    }
    try {
      await rotation.take(step);
    } catch (thrown) {
      if (thrown instanceof CodedError) throw new AdminError(409, thrown.code, thrown.message);
      throw thrown;
    }
    return this.#authority();
  }

  #problems(): ProblemView[] {
    const { store, pipeline } = this.#facts;
    return [
      ...pipeline.problems,
      ...objectProblems(store, pipeline.snapshot),
      ...(pipeline.started ? nodeProblems(this.#nodeFacts(this.#facts.feed())) : []),
    ];
  }

  #nodeFacts(feed: FeedFacts): NodeFacts {
    const { store, pipeline, tokenNodes, clock } = this.#facts;
    const objects = [...store.ofKind('Node')].map(({ metadata }) => metadata.name);
    return {
      state: pipeline.snapshot.state,
      agents: feed.agents,
      nodes: [...objects, ...tokenNodes()],
      nowMs: clock.nowMs(),
    };
  }
}

const rotationSteps: readonly RotationStep[] = ['prepare', 'switch', 'finish', 'abort'];

function isRotationStep(text: string): text is RotationStep {
  return rotationSteps.some((step) => step === text);
}

/** The nearest name in the same namespace, else the same name in another one, else the nearest of all. */
function suggestName(namespace: string, name: string, known: readonly string[]): string | undefined {
  const here = known.filter((candidate) => candidate.startsWith(`${namespace}/`));
  const near = suggest(
    name,
    here.map((candidate) => candidate.slice(namespace.length + 1)),
  );
  if (near !== undefined) return `${namespace}/${near}`;
  return known.find((candidate) => candidate.endsWith(`/${name}`)) ?? suggest(`${namespace}/${name}`, known);
}

function unknownPath({ segments }: AdminRequest): AdminError {
  return new AdminError(
    404,
    'UnknownPath',
    `there is nothing at /${segments.join('/')}`,
    '/v1/status, /v1/services/NS/NAME, /v1/pods/NS/NAME, /v1/routes/NS/NAME, /v1/certificates, /v1/problems or /v1/dump',
  );
}
