/** Labels by key. */
export type Labels = { readonly [key: string]: string };

/** Whether `labels` have all of `wanted`: a Service's selector. */
export function hasLabels(labels: Labels, wanted: Labels): boolean {
  return Object.entries(wanted).every(([key, value]) => labels[key] === value);
}

/** The label by which a namespace or a pod joins the mesh, or a pod stays out. */
const meshLabel = 'tulle.dev/mesh';

/** Whether a pod with these labels, in a namespace with those, belongs to the mesh. The pod's own label has the last word. */
export function wantsMesh(podLabels: Labels, namespaceLabels: Labels): boolean {
  return (podLabels[meshLabel] ?? namespaceLabels[meshLabel]) === 'enabled';
}
