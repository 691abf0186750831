import type { AuthorizationCheckView, AuthorizationDecisionView, AuthorizationPartyView } from '@tulle/admin-api';
import type { Colors } from '../cli-context.ts';
import { alignColumns, printable } from '../table.ts';

/** The lines of `tulle authz check`. */
export function renderAuthorizationCheck(view: AuthorizationCheckView, colors: Colors): string[] {
  const rows = view.decisions.map((decision) => [
    decision.port === undefined
      ? view.decisions.length === 1
        ? 'every port'
        : 'other ports'
      : `port ${decision.port}`,
    decision.allowed ? colors.green('allowed') : colors.red('denied'),
    printable(why(decision, view)),
  ]);
  return [printable(`${partyText(view.from)} -> ${partyText(view.to)}`), ...alignColumns(rows, { indent: 2 })];
}

function partyText({ namespace, name, identity }: AuthorizationPartyView): string {
  return `${namespace}/${name} (${identity ?? 'plaintext: not in the mesh'})`;
}

function why({ reason, policy, rule, policies }: AuthorizationDecisionView, { to }: AuthorizationCheckView): string {
  switch (reason) {
    case 'rule':
      return `rules[${rule ?? 0}] of AuthorizationPolicy ${policy ?? ''}`;
    case 'no-policy':
      return `no AuthorizationPolicy is attached to ${to.namespace}/${to.name}`;
    case 'no-rule':
      return `policy-denied: no rule of ${policies.map((name) => `AuthorizationPolicy ${name}`).join(', ')} allows it`;
    case 'mtls-strict':
      return `mtls-strict: ${to.namespace}/${to.name} takes no plaintext`;
    case 'not-in-mesh':
      return `${to.namespace}/${to.name} is not in the mesh: nothing is enforced there`;
  }
}
