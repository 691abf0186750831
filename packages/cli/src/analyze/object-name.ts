/** `Kind namespace/name` of an object; without `namespace/` for those of the whole cluster. */
export function objectName(object: {
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
}): string {
  return `${object.kind} ${object.namespace === undefined ? '' : `${object.namespace}/`}${object.name}`;
}
