import { isDeepStrictEqual } from 'node:util';
import { backoffDelayMs, errorMessage, type Clock, type Logger } from '@tulle/core';
import { acceptedApiVersions, groupOf, ObjectDecoder } from '@tulle/gateway-api';
import { ApiError, isApiStatus, pause, Reflector, resourcesOf } from '@tulle/kubernetes';
import type { ApiResource, KubernetesClient, ReflectorSink } from '@tulle/kubernetes';
import type { ObjectChange, ObjectSink, ObjectSource, SourceProblem } from '../objects/object-source.ts';
import { KindMirror } from './kind-mirror.ts';
import { watchedKinds, type WatchedKind } from './watched-kinds.ts';

/** What a {@link KubernetesSource} is made from. */
export interface KubernetesSourceOptions {
  readonly client: KubernetesClient;
  readonly clock: Clock;
  readonly logger: Logger;
  /** What is watched; every kind that the mesh is made from unless said otherwise. */
  readonly kinds?: readonly WatchedKind[];
}

/** How often it is looked whether a kind that was not served is served now, milliseconds. */
const discoveryIntervalMs = 10_000;
const discoveryBackoff = { initialMs: 500, maxMs: 10_000, jitter: 0.5 };

interface KindState {
  readonly watched: WatchedKind;
  readonly mirror: KindMirror;
  resource: ApiResource | undefined;
  /** Ends the watch; undefined while there is none. */
  watch: AbortController | undefined;
  /** Its objects have been given, or it is known that there are none to give. */
  settled: boolean;
  /** Changes that wait until what these objects name has been read: till then it would seem not to be there. */
  readonly held: ObjectChange[];
  failure: Error | undefined;
}

/**
 * Objects from a Kubernetes API server, listed and watched. Kinds whose CRDs are not there yet are watched once they are;
 * kinds that others name (see `namedBy`), while they are named.
 */
export class KubernetesSource implements ObjectSource {
  readonly kind = 'kubernetes';
  readonly #options: KubernetesSourceOptions;
  readonly #stop = new AbortController();
  readonly #kinds: readonly KindState[];
  readonly #running = new Set<Promise<unknown>>();
  readonly #unsettled = new Set<() => void>();
  #sink: ObjectSink | undefined;
  #discoveryFailure: Error | undefined;
  /** The problems that the sink was told. */
  #given: readonly SourceProblem[] = [];

  constructor(options: KubernetesSourceOptions) {
    this.#options = options;
    const decoder = new ObjectDecoder();
    this.#kinds = (options.kinds ?? watchedKinds).map((watched) => ({
      watched,
      mirror: new KindMirror(watched, decoder),
      resource: undefined,
      watch: undefined,
      settled: false,
      held: [],
      failure: undefined,
    }));
  }

  /** Never fails: an API server that does not answer is asked again, and is a problem meanwhile. */
  async start(sink: ObjectSink): Promise<void> {
    this.#sink = sink;
    this.#track(this.#discover());
    await new Promise<void>((resolve) => {
      const check = () => {
        if (!this.#stop.signal.aborted && this.#kinds.some((state) => !state.settled)) return;
        this.#unsettled.delete(check);
        resolve();
      };
      this.#unsettled.add(check);
      check();
    });
  }

  /** The resource by which objects of a kind are reached now; undefined while it is not served. */
  resourceOf(kind: string): ApiResource | undefined {
    return this.#kinds.find(({ watched }) => watched.kind === kind)?.resource;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#settle();
    await Promise.all(this.#running);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Looks again and again which of the kinds that are not watched are served by now. */
  async #discover(): Promise<void> {
    const { clock, logger } = this.#options;
    const { signal } = this.#stop;
    let failures = 0;
    while (!signal.aborted) {
      let delayMs = discoveryIntervalMs;
      try {
        await this.#findKinds();
        failures = 0;
        this.#discoveryFailure = undefined;
      } catch (thrown) {
        logger.warn('the API server cannot be asked what it serves; trying again', { error: errorMessage(thrown) });
        this.#discoveryFailure = thrown instanceof Error ? thrown : new Error(String(thrown));
        delayMs = backoffDelayMs(discoveryBackoff, failures++);
      }
      this.#giveProblems();
      await pause(clock, delayMs, signal);
    }
  }

  async #findKinds(): Promise<void> {
    const { client } = this.#options;
    const asked = new Map<string, Promise<ApiResource[]>>();
    const resources = (apiVersion: string) => {
      const group = groupOf(apiVersion);
      const version = group === '' ? apiVersion : apiVersion.slice(group.length + 1);
      const known = asked.get(apiVersion) ?? resourcesOf(client, group, version);
      asked.set(apiVersion, known);
      return known;
    };
    for (const state of this.#kinds) {
      if (state.resource !== undefined) continue;
      for (const apiVersion of acceptedApiVersions(state.watched.kind)) {
        const found = (await resources(apiVersion)).find(({ kind }) => kind === state.watched.kind);
        if (this.#stop.signal.aborted) return;
        if (found === undefined) continue;
        state.resource = found;
        if (this.#isNamed(state)) this.#follow(state, found);
        break;
      }
      // A built-in kind is waited for: an API server that has just begun may not have it yet.
      if (state.resource === undefined && !state.watched.builtIn) state.settled = true;
    }
    this.#settle();
  }

  #follow(state: KindState, resource: ApiResource): void {
    const { client, clock, logger } = this.#options;
    const watch = new AbortController();
    state.watch = watch;
    const reflector = new Reflector({ client, resource, clock, logger, sink: this.#sinkOf(state) });
    const run = reflector.run(AbortSignal.any([this.#stop.signal, watch.signal])).then((outcome) => {
      if (outcome === 'stopped' || watch.signal.aborted) return;
      logger.info('a kind is not served any more', { kind: state.watched.kind });
      state.resource = undefined;
      this.#forget(state);
      state.settled = !state.watched.builtIn;
      this.#settle();
    });
    this.#track(run);
  }

  #forget(state: KindState): void {
    state.watch = undefined;
    state.failure = undefined;
    this.#give([...state.held.splice(0), ...state.mirror.clear()]);
  }

  /** Whether objects of a kind are wanted: always, or while an object of another kind names one. */
  #isNamed({ watched: { namedBy } }: KindState): boolean {
    if (namedBy === undefined) return true;
    return this.#kinds.some(({ mirror, watched }) => watched.kind === namedBy.kind && mirror.some(namedBy.names));
  }

  /** Whether what objects of a kind name is yet to be read. One that cannot be read is not waited for. */
  #namesUnread(kind: string): boolean {
    return this.#kinds.some((state) => {
      const { failure, resource, settled, watch, watched } = state;
      if (watched.namedBy?.kind !== kind || resource === undefined || failure !== undefined) return false;
      return (watch === undefined || !settled) && this.#isNamed(state);
    });
  }

  /** Begins and ends the watches of kinds that objects of other kinds name. */
  #followNamed(): void {
    if (this.#stop.signal.aborted) return;
    for (const state of this.#kinds) {
      const { namedBy } = state.watched;
      if (namedBy === undefined) continue;
      const named = this.#isNamed(state);
      if (named && state.watch === undefined && state.resource !== undefined) {
        state.settled = false;
        this.#follow(state, state.resource);
      } else if (!named && state.watch !== undefined) {
        state.watch.abort();
        this.#forget(state);
        this.#giveProblems();
      }
      // What nobody names is not waited for, once it is known that nobody does.
      const namers = this.#kinds.filter(({ watched }) => watched.kind === namedBy.kind);
      if (!named && namers.every(({ settled }) => settled)) state.settled = true;
    }
  }

  #sinkOf(state: KindState): ReflectorSink {
    const { mirror } = state;
    const { kind } = state.watched;
    const isNamer = this.#kinds.some(({ watched }) => watched.namedBy?.kind === kind);
    const pass = (changes: readonly ObjectChange[]) => {
      if (!isNamer || changes.length === 0) return this.#give(changes);
      state.held.push(...changes);
      if (!this.#namesUnread(kind)) this.#give(state.held.splice(0));
      this.#followNamed();
    };
    const give = (changes: readonly ObjectChange[], hadProblems: boolean) => {
      pass(changes);
      if (hadProblems || mirror.problems.size > 0) this.#giveProblems();
    };
    return {
      page: (objects) => pass(mirror.page(objects)),
      listed: () => {
        give(mirror.listed(), true);
        state.settled = true;
        this.#settle();
      },
      changed: (object) => {
        const hadProblems = mirror.problems.size > 0;
        give(mirror.set(object), hadProblems);
      },
      deleted: (object) => {
        const hadProblems = mirror.problems.size > 0;
        give(mirror.delete(object), hadProblems);
      },
      failed: (error) => {
        if (state.failure === error) return;
        state.failure = error;
        // A custom resource that we may not read keeps nobody from using the rest, nor does what one of them names.
        const isVital = state.watched.builtIn && state.watched.namedBy === undefined;
        if (isApiStatus(error, 403) && !isVital) state.settled = true;
        this.#giveProblems();
        this.#settle();
      },
    };
  }

  #give(changes: readonly ObjectChange[]): void {
    if (!this.#stop.signal.aborted && changes.length > 0) this.#sink?.apply(changes);
  }

  #giveProblems(): void {
    if (this.#stop.signal.aborted) return;
    const problems: SourceProblem[] = [];
    const failed = this.#kinds.filter(({ failure }) => failure !== undefined);
    for (const { watched, failure } of failed) problems.push(failureProblem(watched.kind, failure));
    if (this.#discoveryFailure !== undefined && failed.length === 0) {
      problems.push(failureProblem('any kind', this.#discoveryFailure));
    }
    const routes = this.#kinds.find(({ watched }) => watched.kind === 'HTTPRoute');
    if (routes?.settled === true && routes.resource === undefined) problems.push(noRoutesProblem);
    for (const { mirror } of this.#kinds) problems.push(...mirror.problems.values());
    if (isDeepStrictEqual(problems, this.#given)) return;
    this.#given = problems;
    this.#sink?.setProblems(problems);
  }

  #settle(): void {
    this.#followNamed();
    for (const { held, watched } of this.#kinds) {
      if (held.length > 0 && !this.#namesUnread(watched.kind)) this.#give(held.splice(0));
    }
    for (const check of this.#unsettled) check();
  }

  #track(running: Promise<unknown>): void {
    this.#running.add(running);
    void running.finally(() => this.#running.delete(running));
  }
}

const noRoutesProblem: SourceProblem = {
  severity: 'warning',
  code: 'NoGatewayApi',
  message:
    'the API server does not serve HTTPRoute: install the CRDs of the Gateway API, standard or experimental channel; ' +
    'they are used as soon as they are there',
};

function failureProblem(kind: string, error: Error | undefined): SourceProblem {
  const message = `${kind} cannot be read from the API server, what was last read is used: ${errorMessage(error)}`;
  return { severity: 'error', code: error instanceof ApiError ? error.code : 'WatchFailed', message };
}
