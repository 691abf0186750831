import { isDeepStrictEqual } from 'node:util';
import { CodedError, type Clock } from '@tulle/core';
import type { XMesh } from '@tulle/gateway-api';
import { collectionPath, isApiStatus, objectPath, type ApiResource } from '@tulle/kubernetes';
import { defaultMeshName, meshStatus } from '@tulle/translate';
import { KeyedQueue } from './keyed-queue.ts';
import type { StatusWriterOptions } from './status-writer.ts';

/** Makes the XMesh of this controller (GEP-3949) and keeps its status, while it leads. Never changes a spec. */
export class MeshObjectKeeper implements Disposable {
  readonly #options: StatusWriterOptions;
  readonly #queue: KeyedQueue;
  #leads = false;
  /** Made once: one that somebody deletes stays away until a controller leads anew. */
  #made = false;

  constructor(options: StatusWriterOptions) {
    this.#options = options;
    const { clock, logger } = options;
    this.#queue = new KeyedQueue({ what: 'an XMesh', run: (name) => this.#write(name), clock, logger });
  }

  /** Looks whether anything is to be written: to be called after changes of the objects. */
  update(): void {
    const { controllerName, resourceOf, store } = this.#options;
    if (!this.#leads || resourceOf('XMesh') === undefined) return;
    let found = false;
    for (const mesh of store.ofKind('XMesh')) {
      if (mesh.spec.controllerName !== controllerName) continue;
      found = true;
      if (this.#difference(mesh) !== undefined) this.#queue.add(mesh.metadata.name);
    }
    if (!found && !this.#made) this.#queue.add(defaultMeshName);
  }

  /** Whether this process is the one that writes. */
  setLeading(leads: boolean): void {
    this.#leads = leads;
    this.#made = false;
    if (leads) this.update();
    else this.#queue.clear();
  }

  [Symbol.dispose](): void {
    this.#leads = false;
    this.#queue[Symbol.dispose]();
  }

  async #write(name: string): Promise<void> {
    const { client, controllerName, logger, resourceOf } = this.#options;
    const resource = resourceOf('XMesh');
    if (resource === undefined || !this.#leads) return;
    const mesh = (await this.#read(resource, name)) ?? (await this.#create(resource, name));
    this.#made = true;
    if (mesh === undefined) return;
    if (mesh.spec.controllerName !== controllerName) {
      logger.warn('an XMesh of our name belongs to another controller; it is left alone', {
        name,
        controller: mesh.spec.controllerName,
      });
      return;
    }
    const status = this.#difference(mesh);
    if (status === undefined) return;
    const body = { metadata: { resourceVersion: mesh.metadata.resourceVersion }, status };
    await client.patch(`${objectPath(resource, { name })}/status`, body, { type: 'merge' });
  }

  async #read(resource: ApiResource, name: string): Promise<XMesh | undefined> {
    try {
      return (await this.#options.client.get(objectPath(resource, { name }))) as XMesh;
    } catch (thrown) {
      if (isApiStatus(thrown, 404)) return undefined;
      throw thrown;
    }
  }

  async #create({ group, version, kind, ...resource }: ApiResource, name: string): Promise<XMesh | undefined> {
    if (this.#made || name !== defaultMeshName) return undefined;
    const { client, controllerName, logger } = this.#options;
    const body = { apiVersion: `${group}/${version}`, kind, metadata: { name }, spec: { controllerName } };
    const created = await client.create(collectionPath({ group, version, kind, ...resource }), body);
    logger.info('made the XMesh of this mesh', { name });
    if (typeof created !== 'object' || created === null) throw new CodedError('BadAnswer', 'no object was answered');
    return created as XMesh;
  }

  /** The status as it should be; undefined when it is. */
  #difference(mesh: XMesh): object | undefined {
    const wanted = meshStatus(mesh, { previous: undefined, now: rfc3339(this.#options.clock) });
    const { conditions = [], supportedFeatures = [] } = (mesh as Partial<XMesh>).status ?? {};
    const accepted = wanted?.conditions[0]?.type;
    const present = {
      conditions: [
        ...conditions.filter(({ type }) => type === accepted),
        ...conditions.filter(({ type }) => type !== accepted),
      ],
      supportedFeatures,
    };
    return isDeepStrictEqual(present, wanted) ? undefined : wanted;
  }
}

/** The time as Kubernetes writes it: whole seconds. */
function rfc3339(clock: Clock): string {
  return new Date(clock.nowMs()).toISOString().replace(/\.\d+Z$/, 'Z');
}
