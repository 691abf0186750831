import { createHash } from 'node:crypto';
import { namespacedKey } from '@tulle/core';
import { selects } from '@tulle/gateway-api';
import type {
  ConfigMap,
  Deployment,
  EndpointSlice,
  KubernetesObject,
  LabelSelector,
  Pod,
  Service,
} from '@tulle/gateway-api';
import { Fields } from './fields.ts';
import type { FieldProblem } from './fields.ts';
import type { Labels } from './labels.ts';
import { templateHash } from './deployments.ts';
import { decodePodSpec } from './pod-spec.ts';
import type { PodSpec } from './pod-spec.ts';
import type { PlaygroundProblem } from '../state.ts';

/** An object of the directory of manifests, and where it was read. */
export interface ManifestObject {
  readonly object: KubernetesObject;
  readonly file: string;
  readonly line: number;
}

/** A pod that a manifest asks for by name. */
export interface PodWish {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly spec: PodSpec;
  /** Changes when the pod has to be made anew. */
  readonly hash: string;
}

/** A Deployment. */
export interface DeploymentWish extends PodWish {
  readonly uid: string;
  readonly replicas: number;
}

/** All that the manifests ask for, each map by `NS/NAME`. */
export interface Wishes {
  readonly pods: ReadonlyMap<string, PodWish>;
  readonly deployments: ReadonlyMap<string, DeploymentWish>;
  readonly services: ReadonlyMap<string, Service>;
  readonly slices: readonly EndpointSlice[];
  readonly configMaps: ReadonlyMap<string, ConfigMap>;
  /** Labels by namespace: those that are declared, and those that are only used. */
  readonly namespaces: ReadonlyMap<string, Labels>;
  /** What the playground itself does not act on: routes, policies, accounts. They go to the controller. */
  readonly others: readonly KubernetesObject[];
  readonly problems: readonly PlaygroundProblem[];
  /** Where each Service was read, for problems that show later. */
  readonly places: ReadonlyMap<string, { readonly file: string; readonly line: number }>;
}

/** Nothing at all. */
export const noWishes: Wishes = {
  pods: new Map(),
  deployments: new Map(),
  services: new Map(),
  slices: [],
  configMaps: new Map(),
  namespaces: new Map(),
  others: [],
  problems: [],
  places: new Map(),
};

/**
 * What a directory of manifests asks for. A pod or a Deployment that the playground cannot run is a problem, and keeps
 * what `before` had of it.
 */
export function readWishes(objects: readonly ManifestObject[], before: Wishes): Wishes {
  const pods = new Map<string, PodWish>();
  const deployments = new Map<string, DeploymentWish>();
  const services = new Map<string, Service>();
  const slices: EndpointSlice[] = [];
  const configMaps = new Map<string, ConfigMap>();
  const declared = new Map<string, Labels>();
  const others: KubernetesObject[] = [];
  const problems: PlaygroundProblem[] = [];
  const places = new Map<string, { file: string; line: number }>();
  for (const { object, file, line } of objects) {
    const complain = (found: readonly FieldProblem[]) => {
      for (const { path, message } of found) {
        problems.push({ severity: 'error', file, line, object: objectName(object), message: `${path}: ${message}` });
      }
    };
    switch (object.kind) {
      case 'Pod':
        put(pods, before.pods, namespacedKey(object.metadata), readPod(object), complain);
        break;
      case 'Deployment':
        put(deployments, before.deployments, namespacedKey(object.metadata), readDeployment(object), complain);
        break;
      case 'Service':
        services.set(namespacedKey(object.metadata), withOrigin(object, { file, line }));
        places.set(namespacedKey(object.metadata), { file, line });
        break;
      case 'EndpointSlice':
        slices.push(withOrigin(object, { file, line }));
        break;
      case 'ConfigMap':
        configMaps.set(namespacedKey(object.metadata), object);
        others.push(object);
        break;
      case 'Namespace':
        declared.set(object.metadata.name, object.metadata.labels ?? {});
        break;
      case 'Node':
        problems.push({
          severity: 'warning',
          file,
          line,
          object: objectName(object),
          message: 'a playground has its own nodes; this one is ignored',
        });
        break;
      default:
        others.push(withOrigin(object, { file, line }));
    }
  }
  const namespaces = namespacesOf(objects, declared);
  return { pods, deployments, services, slices, configMaps, namespaces, others, problems, places };
}

/** Says in an annotation where a person wrote the object, for those who read a copy of it. */
function withOrigin<T extends KubernetesObject>(object: T, place: { readonly file: string; readonly line: number }): T {
  const annotations = { ...object.metadata.annotations, 'tulle.dev/origin': `${place.file}:${place.line}` };
  return { ...object, metadata: { ...object.metadata, annotations } };
}

/** `Kind NS/NAME`. */
export function objectName(object: KubernetesObject): string {
  const { namespace, name } = object.metadata;
  return `${object.kind} ${namespace === undefined ? name : `${namespace}/${name}`}`;
}

interface Reading<T> {
  readonly wish: T;
  readonly problems: readonly FieldProblem[];
}

function put<T>(
  into: Map<string, T>,
  before: ReadonlyMap<string, T>,
  key: string,
  { wish, problems }: Reading<T>,
  complain: (found: readonly FieldProblem[]) => void,
): void {
  if (problems.length === 0) {
    into.set(key, wish);
    return;
  }
  complain(problems);
  const last = before.get(key);
  if (last !== undefined) into.set(key, last);
}

function readPod(pod: Pod): Reading<PodWish> {
  const problems: FieldProblem[] = [];
  const spec = decodePodSpec(new Fields(pod.spec, 'spec', problems));
  const { namespace, name, labels = {}, annotations = {} } = pod.metadata;
  return { wish: { namespace, name, labels, annotations, spec, hash: templateHash(spec) }, problems };
}

function readDeployment(deployment: Deployment): Reading<DeploymentWish> {
  const problems: FieldProblem[] = [];
  const { namespace, name } = deployment.metadata;
  const { replicas, selector, template } = deployment.spec;
  const spec = decodePodSpec(new Fields(template.spec, 'spec.template.spec', problems));
  const { labels = {}, annotations = {} } = template.metadata;
  if (isEmpty(selector)) problems.push({ path: 'spec.selector', message: 'must not be empty' });
  else if (!selects(selector, labels)) {
    problems.push({ path: 'spec.selector', message: 'does not select the labels of spec.template.metadata.labels' });
  }
  const uid = stableUid(`Deployment/${namespace}/${name}`);
  return { wish: { namespace, name, labels, annotations, spec, hash: templateHash(spec), uid, replicas }, problems };
}

function isEmpty(selector: LabelSelector): boolean {
  return Object.keys(selector.matchLabels ?? {}).length === 0 && (selector.matchExpressions ?? []).length === 0;
}

/** A uid that the same object has whenever it is read. */
export function stableUid(key: string): string {
  const hex = createHash('sha256').update(key).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), `5${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  );
}

function namespacesOf(objects: readonly ManifestObject[], declared: ReadonlyMap<string, Labels>): Map<string, Labels> {
  const names = new Set(declared.keys());
  for (const { object } of objects) if (object.metadata.namespace !== undefined) names.add(object.metadata.namespace);
  return new Map(
    [...names].sort().map((name) => [name, { ...declared.get(name), 'kubernetes.io/metadata.name': name }]),
  );
}
