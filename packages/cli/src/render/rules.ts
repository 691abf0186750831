import { formatShare, type BackendView, type ClientsView, type RuleGroupView } from '@tulle/admin-api';
import type { Colors } from '../cli-context.ts';
import { alignColumns, printable } from '../table.ts';

/** How the rules of one group are told. */
export interface RuleGroupStyle {
  /** Services of this namespace are shown by their name alone. */
  readonly namespace: string;
  /** Whether the heading says which port of which Service the rules are for. */
  readonly showTarget: boolean;
}

/** A heading with the clients, and a line for each rule: its order, its match, its backends, and its details below. */
export function renderRuleGroup(group: RuleGroupView, style: RuleGroupStyle, colors: Colors): string[] {
  // Where all rules come from one route, the list of routes above has said which.
  const showRoute = new Set(group.rules.map((rule) => rule.route)).size > 1;
  const rows = group.rules.map((rule) => [
    String(rule.order),
    printable(rule.match.text),
    `-> ${backendsText(rule.backends, style.namespace, colors)}`,
    ...(showRoute ? [colors.dim(printable(rule.route))] : []),
  ]);
  const lines = alignColumns(rows, { gap: 2, indent: 2 }).flatMap((line, index) => {
    const details = group.rules[index]?.details ?? [];
    return details.length === 0 ? [line] : [line, `       ${details.map(printable).join(', ')}`];
  });
  const target = style.showTarget ? `${inNamespace(group.service, style.namespace)}:${group.port}: ` : '';
  return [colors.bold(`${target}${capital(heading(group.clients))}, in this order:`), ...lines];
}

/** `namespace/name`, or the name alone in `namespace`. */
export function inNamespace(name: string, namespace: string): string {
  return printable(name.startsWith(`${namespace}/`) ? name.slice(namespace.length + 1) : name);
}

function backendsText(backends: readonly BackendView[], namespace: string, colors: Colors): string {
  if (backends.length === 0) return 'no backend';
  const only = backends.length === 1;
  return backends.map((backend) => backendText(backend, namespace, only, colors)).join('   ');
}

function backendText(backend: BackendView, namespace: string, only: boolean, colors: Colors): string {
  const share = only && backend.share === 1 ? '' : ` ${formatShare(backend.share)}`;
  const place =
    backend.service === undefined
      ? ''
      : `${inNamespace(backend.service, namespace)}${backend.port === undefined ? '' : `:${backend.port}`}`;
  if (!backend.valid) {
    const why = printable(
      `${backend.reason ?? 'invalid'}${backend.message === undefined ? '' : `: ${backend.message}`}`,
    );
    return colors.red(`${place === '' ? 'an error' : place}${share} (${why})`);
  }
  const without = backend.share > 0 && backend.endpoints?.ready === 0;
  return `${place}${share}${without ? colors.red(' (no ready endpoint)') : ''}`;
}

function heading(clients: ClientsView): string {
  if (clients.type === 'namespace') return `clients in namespace ${printable(clients.namespace ?? '')} get`;
  const except = clients.exceptNamespaces ?? [];
  if (except.length === 0) return 'every client gets';
  return `every client, except those of ${except.length === 1 ? 'namespace' : 'namespaces'} ${printable(except.join(', '))}, gets`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
