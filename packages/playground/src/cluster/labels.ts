import type { LabelSelector } from '@tulle/gateway-api';

/** Labels by key. */
export type Labels = { readonly [key: string]: string };

/** Whether `labels` have all of `wanted`: a Service's selector. */
export function hasLabels(labels: Labels, wanted: Labels): boolean {
  return Object.entries(wanted).every(([key, value]) => labels[key] === value);
}

/** Whether a label selector selects these labels (meta/v1 LabelSelector: every part must hold). */
export function selects(selector: LabelSelector, labels: Labels): boolean {
  if (!hasLabels(labels, selector.matchLabels ?? {})) return false;
  return (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
    const value = labels[key];
    switch (operator) {
      case 'In':
        return value !== undefined && values.includes(value);
      case 'NotIn':
        return value === undefined || !values.includes(value);
      case 'Exists':
        return value !== undefined;
      case 'DoesNotExist':
        return value === undefined;
    }
  });
}

/** The label by which a namespace or a pod joins the mesh, or a pod stays out. */
const meshLabel = 'tulle.dev/mesh';

/** Whether a pod with these labels, in a namespace with those, belongs to the mesh. The pod's own label has the last word. */
export function wantsMesh(podLabels: Labels, namespaceLabels: Labels): boolean {
  return (podLabels[meshLabel] ?? namespaceLabels[meshLabel]) === 'enabled';
}
