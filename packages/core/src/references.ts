/** A namespaced object's name: what `NS/NAME` says on the command line. */
export interface NamespacedName {
  readonly namespace: string;
  readonly name: string;
}

/** `namespace/name`, the form used as a map key and shown to people. */
export function namespacedKey(of: NamespacedName): string {
  return `${of.namespace}/${of.name}`;
}

/** Takes `NS/NAME` apart, or `NAME` alone with the namespace given. */
export function parseNamespacedName(text: string, defaultNamespace = 'default'): NamespacedName {
  const slash = text.indexOf('/');
  return slash < 0
    ? { namespace: defaultNamespace, name: text }
    : { namespace: text.slice(0, slash), name: text.slice(slash + 1) };
}
