import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

/** An object as JSON. */
export type JsonObject = Record<string, unknown> & { metadata: JsonMetadata };
type JsonMetadata = Record<string, unknown> & { name: string; namespace?: string; resourceVersion?: string };

/** A resource that the server serves. */
export interface FakeResource {
  /** `v1`, `gateway.networking.k8s.io/v1`. */
  readonly groupVersion: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
}

/** A request that was answered. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: unknown;
  readonly contentType?: string | undefined;
}

interface Target {
  readonly resource: FakeResource;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}

interface FakeWatch {
  readonly resource: FakeResource;
  readonly response: ServerResponse;
}

class Refusal extends Error {
  readonly status: number;
  readonly reason: string;
  constructor(status: number, reason: string, message: string = reason) {
    super(message);
    this.status = status;
    this.reason = reason;
  }
}

/**
 * As much of a Kubernetes API server as tests need, over plain HTTP: discovery, lists in pages, watches with resource
 * versions that expire, optimistic locking, merge patches, status as a subresource.
 */
export class FakeApiServer implements AsyncDisposable {
  /** Every request but those for watches and discovery, oldest first. */
  readonly requests: SeenRequest[] = [];
  /** Answers a request in place of the server, unless it gives undefined. */
  intercept: (request: SeenRequest) => { readonly status: number; readonly body: object } | undefined = () => undefined;
  readonly #server: Server;
  readonly #objects = new Map<string, JsonObject>();
  readonly #watches = new Set<FakeWatch>();
  readonly #history: { readonly version: number; readonly resource: FakeResource; readonly event: object }[] = [];
  readonly #waiting = new Set<() => void>();
  #resources: readonly FakeResource[];
  #version = 100;
  #oldest = 100;

  private constructor(resources: readonly FakeResource[]) {
    this.#resources = resources;
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  /** Starts a server that serves these resources. */
  static async start(resources: readonly FakeResource[]): Promise<FakeApiServer> {
    const fake = new FakeApiServer(resources);
    await new Promise<void>((resolve) => fake.#server.listen(0, '127.0.0.1', resolve));
    return fake;
  }

  /** `http://127.0.0.1:PORT`. */
  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the server does not listen');
    return `http://127.0.0.1:${address.port}`;
  }

  /** How many watches are open. */
  get watchCount(): number {
    return this.#watches.size;
  }

  /** Replaces what is served. Objects of a resource that goes are gone, and its watches end. */
  setResources(resources: readonly FakeResource[]): void {
    this.#resources = resources;
    for (const watch of [...this.#watches]) if (!resources.includes(watch.resource)) this.#end(watch, '');
  }

  /** Makes an object be there, as it is given; tells watches. */
  put(resource: FakeResource, object: object): void {
    const given = structuredClone(object) as JsonObject;
    const key = keyOf(resource, given.metadata.namespace, given.metadata.name);
    this.#store(resource, key, given);
  }

  /** Takes an object away; tells watches. */
  remove(resource: FakeResource, name: string, namespace?: string): void {
    const key = keyOf(resource, namespace, name);
    const object = this.#objects.get(key);
    if (object === undefined) throw new Error(`${key} is not there`);
    this.#objects.delete(key);
    object.metadata.resourceVersion = String(++this.#version);
    this.#tell(resource, 'DELETED', object);
  }

  /** An object as it is stored. */
  object(resource: FakeResource, name: string, namespace?: string): JsonObject | undefined {
    return this.#objects.get(keyOf(resource, namespace, name));
  }

  /** Forgets the past: watches from now on that begin before it are told 410 Expired. */
  expireHistory(): void {
    this.#oldest = ++this.#version;
    this.#history.length = 0;
  }

  /** Ends every watch, in the middle of a line if `raw` is one. */
  endWatches(raw = ''): void {
    for (const watch of [...this.#watches]) this.#end(watch, raw);
  }

  /** Sends every watch an event as it is. */
  sendToWatches(event: object): void {
    for (const { response } of this.#watches) response.write(`${JSON.stringify(event)}\n`);
  }

  /** Resolves as soon as `condition` holds; it is looked at after each request and each watch. */
  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = () => {
        if (!condition()) return;
        this.#waiting.delete(check);
        resolve();
      };
      this.#waiting.add(check);
      check();
    });
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const url = new URL(request.url ?? '/', 'http://server');
      const body = await readJson(request);
      const contentType = request.headers['content-type'];
      const seen = { method: request.method ?? '', path: url.pathname, query: url.searchParams, body, contentType };
      const intercepted = this.intercept(seen);
      if (intercepted !== undefined) {
        this.requests.push(seen);
        send(response, intercepted.status, intercepted.body);
      } else this.#answer(seen, response);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      send(response, error.status, statusOf(error));
    }
    this.#check();
  }

  #answer(seen: SeenRequest, response: ServerResponse): void {
    const discovered = this.#discovery(seen.path);
    if (discovered !== undefined) return send(response, 200, discovered);
    const target = this.#target(seen.path);
    if (seen.query.get('watch') === 'true') return this.#watch(target, seen.query, response);
    this.requests.push(seen);
    switch (seen.method) {
      case 'GET':
        return send(response, 200, target.name === undefined ? this.#list(target, seen.query) : this.#get(target));
      case 'POST':
        return send(response, 201, this.#create(target, seen.body as JsonObject));
      case 'PUT':
        return send(response, 200, this.#update(target, seen.body as JsonObject));
      case 'PATCH':
        if (seen.contentType === 'application/apply-patch+yaml' && this.#find(target) === undefined) {
          return send(response, 201, this.#create(target, seen.body as JsonObject));
        }
        return send(response, 200, this.#update(target, mergePatch(this.#get(target), seen.body) as JsonObject));
      case 'DELETE':
        this.#get(target);
        this.remove(target.resource, target.name ?? '', target.namespace);
        return send(response, 200, { kind: 'Status', status: 'Success' });
      default:
        throw new Refusal(405, 'MethodNotAllowed');
    }
  }

  #discovery(path: string): object | undefined {
    const found = /^\/api(?:s)?\/(.+)$/.exec(path);
    const groupVersion = found?.[1] ?? '';
    const resources = this.#resources.filter((resource) => resource.groupVersion === groupVersion);
    if (resources.length === 0) return undefined;
    return {
      kind: 'APIResourceList',
      groupVersion,
      resources: resources.map(({ plural, kind, namespaced }) => ({ name: plural, kind, namespaced })),
    };
  }

  #target(path: string): Target {
    const parts = path.split('/').slice(1).map(decodeURIComponent);
    const groupVersion = parts[0] === 'api' ? (parts[1] ?? '') : `${parts[1]}/${parts[2]}`;
    let rest = parts.slice(parts[0] === 'api' ? 2 : 3);
    const namespace = rest[0] === 'namespaces' && rest.length > 2 ? rest[1] : undefined;
    if (namespace !== undefined) rest = rest.slice(2);
    const [plural, name, subresource] = rest;
    const resource = this.#resources.find((each) => each.groupVersion === groupVersion && each.plural === plural);
    if (resource === undefined) throw new Refusal(404, 'NotFound', `there is no ${path}`);
    return { resource, namespace, name, subresource };
  }

  #list({ resource, namespace }: Target, query: URLSearchParams): object {
    const prefix = keyOf(resource, namespace, '').slice(0, namespace === undefined ? -1 : undefined);
    const keys = [...this.#objects.keys()].filter((key) => key.startsWith(prefix)).sort();
    const start = Number(query.get('continue') ?? 0);
    const limit = Number(query.get('limit') ?? keys.length);
    // As the real one: the objects of a list do not say their kind.
    const items = keys.slice(start, start + limit).map((key) => {
      const { apiVersion: _, kind: __, ...object }: Record<string, unknown> = this.#objects.get(key) ?? {};
      return object;
    });
    const more = start + limit < keys.length ? { continue: String(start + limit) } : {};
    return { kind: 'List', metadata: { resourceVersion: String(this.#version), ...more }, items };
  }

  #get({ resource, namespace, name }: Omit<Target, 'subresource'>): JsonObject {
    const object = this.#find({ resource, namespace, name });
    if (object === undefined) throw new Refusal(404, 'NotFound', `${resource.plural} "${name}" not found`);
    return object;
  }

  #find({ resource, namespace, name }: Omit<Target, 'subresource'>): JsonObject | undefined {
    return this.#objects.get(keyOf(resource, namespace, name ?? ''));
  }

  #create({ resource, namespace }: Target, object: JsonObject): JsonObject {
    const key = keyOf(resource, namespace, object.metadata.name);
    if (this.#objects.has(key)) throw new Refusal(409, 'AlreadyExists', `${object.metadata.name} already exists`);
    const metadata = namespace === undefined ? object.metadata : { ...object.metadata, namespace };
    return this.#store(resource, key, { ...object, metadata });
  }

  #update(target: Target, wanted: JsonObject): JsonObject {
    const before = this.#get(target);
    const { resourceVersion, uid } = wanted.metadata;
    const isStale = resourceVersion !== undefined && resourceVersion !== before.metadata.resourceVersion;
    if (isStale || (uid !== undefined && before.metadata['uid'] !== undefined && uid !== before.metadata['uid'])) {
      throw new Refusal(409, 'Conflict', 'the object has been modified');
    }
    const next =
      target.subresource === 'status'
        ? { ...before, status: wanted['status'] }
        : { ...wanted, ...('status' in before ? { status: before['status'] } : {}) };
    const key = keyOf(target.resource, target.namespace, target.name ?? '');
    return this.#store(target.resource, key, structuredClone(next) as JsonObject);
  }

  #store(resource: FakeResource, key: string, object: JsonObject): JsonObject {
    const type = this.#objects.has(key) ? 'MODIFIED' : 'ADDED';
    object.metadata = { ...object.metadata, resourceVersion: String(++this.#version) };
    const stored = { ...object, apiVersion: resource.groupVersion, kind: resource.kind };
    this.#objects.set(key, stored);
    this.#tell(resource, type, stored);
    return stored;
  }

  #tell(resource: FakeResource, type: string, object: JsonObject): void {
    const event = { type, object: structuredClone(object) };
    this.#history.push({ version: this.#version, resource, event });
    for (const watch of this.#watches) {
      if (watch.resource === resource) watch.response.write(`${JSON.stringify(event)}\n`);
    }
  }

  #watch({ resource }: Target, query: URLSearchParams, response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'application/json' });
    const from = Number(query.get('resourceVersion') ?? 0);
    if (from < this.#oldest) {
      const error = statusOf(new Refusal(410, 'Expired', 'too old resource version'));
      response.end(`${JSON.stringify({ type: 'ERROR', object: error })}\n`);
      return;
    }
    const watch = { resource, response };
    response.flushHeaders();
    for (const past of this.#history) {
      if (past.resource === resource && past.version > from) response.write(`${JSON.stringify(past.event)}\n`);
    }
    this.#watches.add(watch);
    response.once('close', () => {
      this.#watches.delete(watch);
      this.#check();
    });
  }

  #end(watch: FakeWatch, raw: string): void {
    this.#watches.delete(watch);
    watch.response.end(raw);
  }

  #check(): void {
    for (const check of this.#waiting) check();
  }
}

function keyOf({ groupVersion, plural }: FakeResource, namespace: string | undefined, name: string): string {
  return `${groupVersion}/${plural}/${namespace ?? ''}/${name}`;
}

function statusOf({ status, reason, message }: Refusal): object {
  return { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason, message, code: status };
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += String(chunk);
  return text === '' ? undefined : JSON.parse(text);
}

/** A JSON merge patch (RFC 7386). */
function mergePatch(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const base = typeof target === 'object' && target !== null && !Array.isArray(target) ? target : {};
  const merged: Record<string, unknown> = { ...base };
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name];
    else merged[name] = mergePatch(merged[name], value);
  }
  return merged;
}
