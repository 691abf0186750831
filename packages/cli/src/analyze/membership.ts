import { selects } from '@tulle/gateway-api';
import type { KubernetesObject, LabelSelector } from '@tulle/gateway-api';
import { meshLabel } from '@tulle/translate';

/** What is said of pods in the manifests: pods, and what pods are made from. */
export interface PodLabels {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Who is in the mesh, as far as manifests say it. */
export class MeshMembership {
  readonly #namespaces = new Map<string, string | undefined>();
  readonly #pods: PodLabels[] = [];

  constructor(objects: Iterable<KubernetesObject>) {
    for (const object of objects) {
      if (object.kind === 'Namespace') this.#namespaces.set(object.metadata.name, object.metadata.labels?.[meshLabel]);
      else if (object.kind === 'Pod') this.#add(object.metadata.namespace, object.metadata.labels);
      else if (object.kind === 'Deployment') {
        this.#add(object.metadata.namespace, object.spec.template.metadata.labels);
      }
    }
  }

  /** Whether pods of a namespace are in the mesh; undefined when the manifests do not say. */
  hasMeshedPods(namespace: string): boolean | undefined {
    const pods = this.#pods.filter((pod) => pod.namespace === namespace);
    if (pods.some((pod) => this.isMeshed(pod))) return true;
    if (!this.#namespaces.has(namespace)) return undefined;
    return pods.length === 0 && this.#namespaces.get(namespace) === 'enabled';
  }

  /** Whether no namespace at all may have pods in the mesh. */
  isNobodyMeshed(): boolean {
    const names = new Set([...this.#namespaces.keys(), ...this.#pods.map((pod) => pod.namespace)]);
    return names.size > 0 && [...names].every((name) => this.hasMeshedPods(name) === false);
  }

  /** Whether a pod is in the mesh; its own label wins. */
  isMeshed({ namespace, labels }: PodLabels): boolean {
    return (labels[meshLabel] ?? this.#namespaces.get(namespace)) === 'enabled';
  }

  /** Whether a selector takes pods that are in the mesh; where no pods are known, whether it may. */
  selectsMeshed(namespace: string, selector: LabelSelector): boolean {
    const pods = this.#pods.filter((pod) => pod.namespace === namespace);
    if (pods.length === 0) return this.#namespaces.get(namespace) === 'enabled';
    return pods.some((pod) => this.isMeshed(pod) && selects(selector, pod.labels));
  }

  #add(namespace: string, labels: Readonly<Record<string, string>> = {}): void {
    this.#pods.push({ namespace, labels });
  }
}
