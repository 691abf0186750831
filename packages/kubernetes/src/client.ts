import { request } from 'undici';
import { errorMessage } from '@tulle/core';
import { ApiError, apiErrorOf } from './api-error.ts';
import { Connection, type ClusterChoice } from './connection.ts';
import { jsonLines } from './json-lines.ts';

/** The kinds of patches that the API server takes. */
export type PatchType = 'merge' | 'apply';

/** Query parameters of a request; those that are undefined are left out. */
export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** One event of a watch, as the server sent it. */
export interface WatchEvent {
  readonly type: string;
  readonly object: unknown;
}

/** How a watch is asked for. */
export interface WatchOptions {
  readonly query: Query;
  readonly signal: AbortSignal;
}

interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Query;
  readonly body?: object;
  readonly contentType?: string;
  readonly signal?: AbortSignal | undefined;
}

const patchTypes: Readonly<Record<PatchType, string>> = {
  merge: 'application/merge-patch+json',
  // JSON is YAML, too.
  apply: 'application/apply-patch+yaml',
};
const answerTimeoutMs = 30_000;
/** Bookmarks come about once a minute, so a watch that is silent for longer has probably lost its other end. */
const watchSilenceMs = 150_000;
const maxLineBytes = 16 * 1024 * 1024;

/**
 * A client of the Kubernetes API server: plain JSON in and out, by path, so that the objects are what the server sent
 * and not what a generated class makes of them.
 *
 * Every method throws an {@link ApiError}.
 */
export class KubernetesClient implements AsyncDisposable {
  readonly connection: Connection;

  constructor(connection: Connection) {
    this.connection = connection;
  }

  /** A client of the cluster that is meant. Throws a `CodedError` `NoCluster`. */
  static load(choice: ClusterChoice = {}): KubernetesClient {
    return new KubernetesClient(Connection.load(choice));
  }

  get(path: string, query: Query = {}, signal?: AbortSignal): Promise<unknown> {
    return this.#json({ method: 'GET', path, query, signal });
  }

  create(path: string, body: object): Promise<unknown> {
    return this.#json({ method: 'POST', path, body });
  }

  replace(path: string, body: object): Promise<unknown> {
    return this.#json({ method: 'PUT', path, body });
  }

  patch(path: string, body: object, options: { readonly type: PatchType; readonly query?: Query }): Promise<unknown> {
    const { type, query = {} } = options;
    return this.#json({ method: 'PATCH', path, query, body, contentType: patchTypes[type] });
  }

  /** Deletes an object; `background` propagation unless the body says otherwise. */
  delete(path: string, body: object = { propagationPolicy: 'Background' }): Promise<unknown> {
    return this.#json({ method: 'DELETE', path, body });
  }

  /** The events of a watch, until the server ends it. An `ERROR` event is given like any other. */
  async *watch(path: string, { query, signal }: WatchOptions): AsyncGenerator<WatchEvent> {
    const call: Call = { method: 'GET', path, query: { ...query, watch: true }, signal };
    const { statusCode, body } = await this.#send(call, watchSilenceMs);
    if (statusCode !== 200) throw apiErrorOf(nameOf(call), statusCode, await body.text());
    try {
      for await (const line of jsonLines(body, maxLineBytes)) {
        const { type, object } = line as { readonly type?: unknown; readonly object?: unknown };
        yield { type: String(type), object };
      }
    } catch (cause) {
      throw cause instanceof ApiError ? cause : unreachable(call, cause);
    } finally {
      body.on('error', () => {}).destroy();
    }
  }

  /** Ends all connections; requests under way fail. */
  async close(): Promise<void> {
    await this.connection.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #json(call: Call): Promise<unknown> {
    const { statusCode, body } = await this.#send(call, answerTimeoutMs);
    let text: string;
    try {
      text = await body.text();
    } catch (cause) {
      throw unreachable(call, cause);
    }
    if (statusCode < 200 || statusCode > 299) throw apiErrorOf(nameOf(call), statusCode, text);
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw new ApiError('BadAnswer', statusCode, `${nameOf(call)}: the answer is no JSON`, { cause });
    }
  }

  async #send(call: Call, bodyTimeout: number) {
    const { server } = this.connection;
    const url = new URL(server.pathname.replace(/\/$/, '') + call.path, server);
    for (const [name, value] of Object.entries(call.query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    try {
      const { dispatcher, headers } = await this.connection.credentials();
      return await request(url, {
        method: call.method,
        dispatcher,
        bodyTimeout,
        headersTimeout: answerTimeoutMs,
        headers: {
          ...headers,
          accept: 'application/json',
          'user-agent': 'tulle',
          ...(call.body === undefined ? {} : { 'content-type': call.contentType ?? 'application/json' }),
        },
        body: call.body === undefined ? null : JSON.stringify(call.body),
        signal: call.signal ?? null,
      });
    } catch (cause) {
      throw unreachable(call, cause);
    }
  }
}

function nameOf({ method, path }: Call): string {
  return `${method} ${path}`;
}

function unreachable(call: Call, cause: unknown): ApiError {
  return new ApiError('Unreachable', 0, `${nameOf(call)}: no answer from the API server: ${errorMessage(cause)}`);
}
