import { CodedError } from '@tulle/core';
import { isApiStatus } from './api-error.ts';
import type { KubernetesClient } from './client.ts';

/** How objects of a kind are reached at the API server. */
export interface ApiResource {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** The plural name in paths: `httproutes`. */
  readonly plural: string;
  readonly namespaced: boolean;
}

/** What names one object, for a path. */
export interface ApiObjectName {
  readonly namespace?: string | undefined;
  readonly name: string;
}

/** The path of a group's version: `/api/v1`, `/apis/apps/v1`. */
export function groupVersionPath(group: string, version: string): string {
  return group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
}

/** The path of all objects of a resource, or of those in a namespace. */
export function collectionPath(resource: ApiResource, namespace?: string): string {
  const base = groupVersionPath(resource.group, resource.version);
  const inNamespace =
    resource.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return `${base}${inNamespace}/${resource.plural}`;
}

/** The path of one object; `namespace` is passed over where the resource has none. */
export function objectPath(resource: ApiResource, { namespace, name }: ApiObjectName): string {
  return `${collectionPath(resource, namespace)}/${encodeURIComponent(name)}`;
}

/** The resources of a group's version; none when the server does not serve it. Throws an `ApiError`. */
export async function resourcesOf(client: KubernetesClient, group: string, version: string): Promise<ApiResource[]> {
  let document: unknown;
  try {
    document = await client.get(groupVersionPath(group, version));
  } catch (thrown) {
    if (isApiStatus(thrown, 404)) return [];
    throw thrown;
  }
  const { resources } = document as { readonly resources?: readonly unknown[] };
  const found: ApiResource[] = [];
  for (const entry of resources ?? []) {
    const { name, kind, namespaced } = entry as { name?: unknown; kind?: unknown; namespaced?: unknown };
    // `pods/status` is a part of a resource, not one.
    if (typeof name !== 'string' || typeof kind !== 'string' || name.includes('/')) continue;
    found.push({ group, version, kind, plural: name, namespaced: namespaced === true });
  }
  return found;
}

/** Finds out how objects are reached, asking for each group's version once. */
export class ResourceCatalog {
  readonly #client: KubernetesClient;
  readonly #known = new Map<string, Promise<ApiResource[]>>();

  constructor(client: KubernetesClient) {
    this.#client = client;
  }

  /** The resource of an object. Throws a {@link CodedError} `UnknownKind`, or an `ApiError`. */
  async resource(apiVersion: string, kind: string): Promise<ApiResource> {
    const slash = apiVersion.indexOf('/');
    const group = slash < 0 ? '' : apiVersion.slice(0, slash);
    let known = this.#known.get(apiVersion);
    if (known === undefined) {
      known = resourcesOf(this.#client, group, apiVersion.slice(slash + 1));
      this.#known.set(apiVersion, known);
      // A failure is not kept: the next question is asked anew.
      known.catch(() => this.#known.delete(apiVersion));
    }
    const found = (await known).find((resource) => resource.kind === kind);
    if (found !== undefined) return found;
    throw new CodedError('UnknownKind', `the API server does not serve ${kind} of ${apiVersion}`);
  }
}
