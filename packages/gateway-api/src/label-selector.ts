import type { LabelSelector, LabelSelectorRequirement } from './metadata.ts';

/** Whether labels are selected (meta/v1 LabelSelector): all parts must hold, and an empty selector selects everything. */
export function selects(selector: LabelSelector, labels: Readonly<Record<string, string>>): boolean {
  return (
    Object.entries(selector.matchLabels ?? {}).every(([name, value]) => labels[name] === value) &&
    (selector.matchExpressions ?? []).every((requirement) => holds(requirement, labels))
  );
}

/** "NotIn: a pod without the label matches, too", as in the API's own selectors. */
function holds({ key, operator, values = [] }: LabelSelectorRequirement, labels: Readonly<Record<string, string>>) {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
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
}
