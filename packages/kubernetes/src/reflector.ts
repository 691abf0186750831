import { backoffDelayMs, CodedError, errorMessage, type Clock, type Logger } from '@tulle/core';
import { isApiStatus } from './api-error.ts';
import { collectionPath, type ApiResource } from './catalog.ts';
import type { KubernetesClient } from './client.ts';
import { pause } from './pause.ts';

/** An object as the API server sent it. */
export type RawObject = Readonly<Record<string, unknown>>;

/** Where a {@link Reflector} puts what it reads. */
export interface ReflectorSink {
  /** Takes one page of a list. */
  page(objects: readonly RawObject[]): void;
  /** The list is whole: what none of its pages had is not there any more. */
  listed(): void;
  changed(object: RawObject): void;
  deleted(object: RawObject): void;
  /** The last try failed; undefined once one succeeds again. */
  failed(error: Error | undefined): void;
}

/** What a {@link Reflector} is made from. */
export interface ReflectorOptions {
  readonly client: KubernetesClient;
  readonly resource: ApiResource;
  readonly sink: ReflectorSink;
  readonly clock: Clock;
  readonly logger: Logger;
}

const pageSize = 500;
const retryBackoff = { initialMs: 250, maxMs: 30_000, jitter: 0.5 };
/** The server ends a watch after this, spread so that not all end at once. */
const watchSeconds = { least: 300, most: 600 };
/** A watch that ended sooner and said nothing counts as a failure: else a broken proxy would make us spin. */
const leastWatchMs = 1000;

/** Keeps up with all objects of one resource: lists them, watches from there, and lists anew where the past is lost. */
export class Reflector {
  readonly #options: ReflectorOptions;
  /** Where the next watch begins; undefined when a list comes first. */
  #version: string | undefined;
  #failures = 0;

  constructor(options: ReflectorOptions) {
    this.#options = options;
  }

  /** Runs until `signal` is aborted (gives `stopped`), or until the server does not serve the resource (`gone`). */
  async run(signal: AbortSignal): Promise<'stopped' | 'gone'> {
    const { clock, logger, resource, sink } = this.#options;
    while (!signal.aborted) {
      try {
        if (this.#version === undefined) await this.#list(signal);
        else await this.#watch(signal, this.#version);
      } catch (thrown) {
        if (signal.aborted) break;
        if (isApiStatus(thrown, 404)) return 'gone';
        if (isApiStatus(thrown, 410)) {
          logger.info('the past of a watch is lost; listing anew', { resource: resource.plural });
          this.#version = undefined;
        }
        this.#failures += 1;
        // A single failure is what every restart of an API server looks like.
        if (this.#failures > 1 || this.#version === undefined) sink.failed(asError(thrown));
        logger.debug('a watch failed; trying again', { resource: resource.plural, error: errorMessage(thrown) });
        await pause(clock, backoffDelayMs(retryBackoff, this.#failures - 1), signal);
      }
    }
    return 'stopped';
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { client, resource, sink } = this.#options;
    let next: string | undefined;
    let version: string | undefined;
    do {
      const query = { limit: pageSize, continue: next };
      const page = asPage(await client.get(collectionPath(resource), query, signal));
      if (signal.aborted) return;
      sink.page(page.items.map((item) => this.#typed(item)));
      version = page.version;
      next = page.next;
    } while (next !== undefined);
    sink.listed();
    this.#version = version;
    this.#succeeded();
  }

  async #watch(signal: AbortSignal, from: string): Promise<void> {
    const { client, clock, resource } = this.#options;
    const { least, most } = watchSeconds;
    const query = {
      resourceVersion: from,
      allowWatchBookmarks: true,
      timeoutSeconds: Math.round(least + Math.random() * (most - least)),
    };
    const beganMs = clock.monotonicMs();
    let events = 0;
    for await (const { type, object } of client.watch(collectionPath(resource), { query, signal })) {
      if (signal.aborted) return;
      events += 1;
      this.#take(type, object);
    }
    if (events === 0 && clock.monotonicMs() - beganMs < leastWatchMs) {
      throw new CodedError('WatchEnded', 'the watch ended at once');
    }
  }

  #take(type: string, object: unknown): void {
    if (typeof object !== 'object' || object === null) throw new CodedError('BadStream', 'an event has no object');
    switch (type) {
      case 'ADDED':
      case 'MODIFIED':
        this.#options.sink.changed(this.#typed(object));
        break;
      case 'DELETED':
        this.#options.sink.deleted(this.#typed(object));
        break;
      case 'BOOKMARK':
        break;
      case 'ERROR':
        throw this.#errorOf(object);
      default:
        throw new CodedError('BadStream', `an event is of the unknown type "${type}"`);
    }
    const { resourceVersion } = (object as { metadata?: { resourceVersion?: unknown } }).metadata ?? {};
    if (typeof resourceVersion === 'string') this.#version = resourceVersion;
    this.#succeeded();
  }

  #succeeded(): void {
    if (this.#failures > 0) this.#failures = 0;
    this.#options.sink.failed(undefined);
  }

  /** The error of an `ERROR` event: its object is a meta/v1 Status. After any of them a list tells the truth. */
  #errorOf(status: object): Error {
    this.#version = undefined;
    const { code, message } = status as { code?: unknown; message?: unknown };
    return new CodedError(code === 410 ? 'Expired' : 'WatchFailed', `the watch was ended: ${String(message)}`);
  }

  /** The objects of a list do not say their type. */
  #typed(object: object): RawObject {
    const { group, version, kind } = this.#options.resource;
    return { ...object, apiVersion: group === '' ? version : `${group}/${version}`, kind };
  }
}

interface ListPage {
  readonly items: readonly object[];
  readonly version: string;
  readonly next: string | undefined;
}

function asPage(answer: unknown): ListPage {
  const { items, metadata } = answer as {
    readonly items?: readonly object[] | null;
    readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  };
  const version = metadata?.resourceVersion;
  if (version === undefined) throw new CodedError('BadAnswer', 'a list has no resource version');
  return { items: items ?? [], version, next: metadata?.continue === '' ? undefined : metadata?.continue };
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
