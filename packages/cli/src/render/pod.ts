import type { PodDenialView, PodPolicyView, PodView } from '@tulle/admin-api';
import type { Colors } from '../cli-context.ts';
import { alignColumns, printable } from '../table.ts';
import { renderProblems } from './status.ts';

/** The lines of `tulle describe pod`. */
export function renderPod(view: PodView, colors: Colors): string[] {
  const facts = [
    ['node', view.node],
    ['addresses', view.addresses.length === 0 ? 'none of its own' : view.addresses.join(' ')],
    ['identity', view.identity],
    ['mesh', meshText(view, colors)],
    ['mTLS', view.mtlsMode === 'strict' ? 'strict: plaintext is refused' : 'permissive: plaintext is let in'],
    ...(view.sameNode === undefined
      ? []
      : [['same node', 'direct: with pods of its node it is connected locally, not encrypted']]),
  ];
  return [
    colors.bold(printable(`Pod ${view.namespace}/${view.name}`)),
    ...alignColumns(
      facts.map(([name = '', value = '']) => [name, printable(value)]),
      { indent: 2 },
    ),
    ...policyLines(view.policies, colors),
    ...denialLines(view.denials, colors),
    ...renderProblems(view.problems, colors),
  ];
}

function meshText({ mesh, captured, captureReason }: PodView, colors: Colors): string {
  if (mesh.state === 'out') return `out: ${mesh.reason}`;
  if (captured !== null) return `in, captured by ${captured}`;
  return `${colors.red('in, but not captured')}${captureReason === undefined ? '' : `: ${captureReason}`}`;
}

function policyLines(policies: readonly PodPolicyView[], colors: Colors): string[] {
  if (policies.length === 0) return ['No AuthorizationPolicy is attached to it: everybody may connect.'];
  return [
    colors.bold('Lets in'),
    ...policies.flatMap(({ namespace, name, rules }) => [
      printable(`  AuthorizationPolicy ${namespace}/${name}`),
      ...(rules.length === 0 ? ['    nobody'] : rules.map((rule, index) => printable(`    rules[${index}]: ${rule}`))),
    ]),
  ];
}

function denialLines(denials: readonly PodDenialView[], colors: Colors): string[] {
  if (denials.length === 0) return [];
  const rows = denials.map(({ identity, address, port, count, lastAt, reason }) => [
    printable(identity ?? 'plaintext'),
    printable(address),
    `port ${port}`,
    `${count} times`,
    `last ${printable(lastAt)}`,
    reason,
  ]);
  return [colors.bold('Turned away'), ...alignColumns(rows, { gap: 2, indent: 2 })];
}
