import type { ProblemView, RouteConditionView, RouteParentView, RouteView } from '@tulle/admin-api';
import type { Colors } from '../cli-context.ts';
import { printable } from '../table.ts';
import { renderRuleGroup } from './rules.ts';
import { renderProblems } from './status.ts';

/** The lines of `tulle describe route`. */
export function renderRoute(view: RouteView, colors: Colors): string[] {
  const style = { namespace: view.namespace, showTarget: true };
  return [
    `${colors.bold(printable(`${view.routeKind} ${view.namespace}/${view.name}`))}   ${appliedText(view, colors)}`,
    ...(view.parents.length === 0 ? ['  it has no parentRef: nothing uses it'] : []),
    ...view.parents.flatMap((parent) => parentLines(parent, view, colors)),
    ...view.ruleGroups.flatMap((group) => renderRuleGroup(group, style, colors)),
    ...renderProblems(otherProblems(view), colors),
  ];
}

/** The problems that the lines of the parents do not tell already. */
function otherProblems({ parents, problems }: RouteView): readonly ProblemView[] {
  const told = new Set(parents.flatMap(({ conditions }) => conditions.map(({ message }) => message)));
  return problems.filter(({ message }) => !told.has(message));
}

function appliedText({ applied }: RouteView, colors: Colors): string {
  return {
    applied: colors.green('APPLIED'),
    partiallyApplied: colors.yellow('PARTIALLY APPLIED'),
    notApplied: colors.red('NOT APPLIED'),
  }[applied];
}

/** One line a parent: what is wrong with it, or for whom the route acts. */
function parentLines({ parent, role, conditions }: RouteParentView, view: RouteView, colors: Colors): string[] {
  const service = parent.namespace === view.namespace ? parent.name : `${parent.namespace}/${parent.name}`;
  const port = parent.port === undefined ? '' : ` port ${parent.port}`;
  const section = parent.sectionName === undefined ? '' : ` section ${parent.sectionName}`;
  const name = printable(`parentRef ${parent.kind} ${service}${port}${section}`);
  if (conditions.length === 0) {
    const isService = parent.kind === 'Service' && parent.group === '';
    return [
      `  ${name}: ${isService ? 'the controller has not looked at it yet' : "not a Service, so not the mesh's to answer for"}`,
    ];
  }
  const wrong = conditions.filter(isWrong);
  if (wrong.length > 0) {
    return wrong.map((condition) => `  ${name}: ${colors.red(condition.reason)}: ${printable(condition.message)}`);
  }
  const clients = role === 'producer' ? 'every client' : `clients in namespace ${view.namespace}`;
  return [`  ${name}: ${colors.green('Accepted')}, for ${clients}`];
}

/** Whether a condition says that something is wrong: `PartiallyInvalid` is bad when True, the others when not. */
function isWrong(condition: RouteConditionView): boolean {
  return condition.type === 'PartiallyInvalid' ? condition.status === 'True' : condition.status !== 'True';
}
