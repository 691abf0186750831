import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError, errorMessage } from '@tulle/core';

/** An object of Kubernetes as JSON. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

/** The namespace of everything that is installed. */
export const systemNamespace = 'tulle-system';

/** The kustomization that is installed unless another is named. */
export const defaultKustomization = join(import.meta.dirname, '../../../../deploy/kustomize/base');

interface Kustomization {
  readonly namespace?: string;
  readonly resources?: readonly string[];
  readonly labels?: readonly { readonly pairs?: Readonly<Record<string, string>> }[];
  readonly images?: readonly { readonly name: string; readonly newName?: string; readonly newTag?: string }[];
}

const understood = new Set(['apiVersion', 'kind', 'namespace', 'resources', 'labels', 'images']);
const clusterScoped = new Set(['Namespace', 'ClusterRole', 'ClusterRoleBinding', 'CustomResourceDefinition']);

/**
 * The objects of a kustomization, in the order in which they are to be made. Understands what ours are made of: resources,
 * a namespace, labels and images. Throws a {@link CodedError} `BadKustomization` for all else, so that nothing is passed
 * over in silence; `kubectl apply -k` understands the rest.
 */
export async function renderKustomization(directory: string): Promise<Manifest[]> {
  const { parse, parseAllDocuments } = await import('yaml');
  const file = join(directory, 'kustomization.yaml');
  const kustomization = (parse(read(file)) ?? {}) as Kustomization;
  const unknown = Object.keys(kustomization).find((field) => !understood.has(field));
  if (unknown !== undefined) {
    throw new CodedError('BadKustomization', `${file}: "${unknown}" is not understood here`, {
      hint: `kubectl apply --server-side -k ${directory}`,
    });
  }
  const objects: Manifest[] = [];
  for (const resource of kustomization.resources ?? []) {
    const path = join(directory, resource);
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) {
      objects.push(...(await renderKustomization(path)));
      continue;
    }
    for (const document of parseAllDocuments(read(path))) {
      const object = document.toJS() as Manifest | null;
      if (object !== null) objects.push(object);
    }
  }
  return objects.map((object) => transform(object, kustomization));
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new CodedError('BadKustomization', `${file} cannot be read: ${errorMessage(cause)}`, { cause });
  }
}

function transform(object: Manifest, { namespace, labels = [], images = [] }: Kustomization): Manifest {
  const pairs = Object.assign({}, ...labels.map((each) => each.pairs ?? {})) as Record<string, string>;
  const metadata = {
    ...object.metadata,
    ...(namespace === undefined || clusterScoped.has(object.kind) ? {} : { namespace }),
    ...(Object.keys(pairs).length === 0 ? {} : { labels: { ...object.metadata.labels, ...pairs } }),
  };
  return { ...(withImages(object, images) as Manifest), metadata };
}

/** A copy in which every `image` of a name that is listed has the tag that is listed. */
function withImages(value: unknown, images: NonNullable<Kustomization['images']>): unknown {
  if (Array.isArray(value)) return value.map((item) => withImages(item, images));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, field]): [string, unknown] => {
    const image = name === 'image' ? images.find((each) => each.name === field) : undefined;
    if (image === undefined) return [name, withImages(field, images)];
    const { newName = image.name, newTag } = image;
    return [name, newTag === undefined ? newName : `${newName}:${newTag}`];
  });
  return Object.fromEntries(entries);
}

/** `Kind namespace/name`. */
export function nameOf({ kind, metadata: { name, namespace } }: Manifest): string {
  return `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
}
