import { formatDuration, plural, type NodeStatus, type ProblemView, type StatusView } from '@tulle/admin-api';
import type { Colors } from '../cli-context.ts';
import { alignColumns, printable } from '../table.ts';

/** The lines of `tulle status`. */
export function renderStatus(status: StatusView, colors: Colors): string[] {
  const { controller, ca } = status;
  const good = (text: string, isGood: boolean) => (isGood ? colors.green(text) : colors.red(text));
  const head = alignColumns([
    ['controller', good(controller.state, controller.state === 'running'), configLine(status)],
    [
      'ca',
      good(ca.state, ca.state === 'ok'),
      `root ${ca.rootExpiresInMs < 0 ? 'expired' : 'expires in'} ${formatDuration(Math.abs(ca.rootExpiresInMs))}` +
        `${ca.rootExpiresInMs < 0 ? ' ago' : ''}, issued ${ca.issuedLast24Hours} in the last 24 h, ` +
        `${ca.refusedLast24Hours} refused`,
    ],
  ]);
  return [...head, ...nodeTable(status.nodes, colors), ...renderProblems(status.problems, colors)];
}

/** One line a problem, and one with what to do about it. */
export function renderProblems(problems: readonly ProblemView[], colors: Colors): string[] {
  return problems.flatMap((problem) => {
    const mark = problem.severity === 'error' ? colors.red('!') : colors.yellow('!');
    const place =
      problem.file === undefined ? '' : ` (${problem.file}${problem.line === undefined ? '' : `:${problem.line}`})`;
    const line = `${mark} ${printable(`${subject(problem)}${problem.message}${place}`)}`;
    return problem.hint === undefined ? [line] : [line, `  Try: ${printable(problem.hint)}`];
  });
}

function subject({ object }: ProblemView): string {
  if (object === undefined) return '';
  return `${object.kind} ${object.namespace === undefined ? '' : `${object.namespace}/`}${object.name}: `;
}

function configLine({ controller, nodes }: StatusView): string {
  const config = `config ${printable(controller.configVersion)}`;
  if (nodes.length === 0) return `${config}, no node yet`;
  if (controller.convergenceMs === undefined) {
    const behind = nodes.filter((node) => node.behindMs > 0 || node.configVersion === null).length;
    return `${config}, not yet at ${plural(behind, 'node')}`;
  }
  return `${config}, ${formatDuration(controller.convergenceMs)} to reach every agent`;
}

function nodeTable(nodes: readonly NodeStatus[], colors: Colors): string[] {
  if (nodes.length === 0) return [];
  const header = ['NODE', 'AGENT', 'PODS CAPTURED', 'CONFIG', 'CERTS', 'REQUESTS/S', 'SUCCESS', 'REPORT'].map((title) =>
    colors.dim(title),
  );
  return alignColumns([header, ...nodes.map((node) => nodeRow(node, colors))]);
}

function nodeRow(node: NodeStatus, colors: Colors): string[] {
  const captured = `${node.podsCaptured} of ${node.podsWanted}`;
  return [
    printable(node.name),
    node.agent === 'ready' ? colors.green(node.agent) : colors.red(node.agent),
    node.podsCaptured === node.podsWanted ? captured : `${captured} ${colors.red('!')}`,
    nodeConfig(node, colors),
    String(node.certificates),
    node.requestsPerSecond === undefined ? '-' : rateText(node.requestsPerSecond),
    node.successShare === undefined ? '-' : shareText(node.successShare),
    node.lastReportAgeMs === null ? 'never' : `${formatDuration(node.lastReportAgeMs)} ago`,
  ];
}

/** Whole from ten on; below, what is more than nothing is shown as such. */
function rateText(perSecond: number): string {
  if (perSecond >= 10 || perSecond === 0) return Math.round(perSecond).toLocaleString('en-US');
  return perSecond < 0.1 ? '<0.1' : perSecond.toFixed(1);
}

/** Rounded down: where one failed, it is not 100.00 %. */
function shareText(share: number): string {
  return `${(Math.floor(share * 10_000 + 1e-6) / 100).toFixed(2)} %`;
}

function nodeConfig(node: NodeStatus, colors: Colors): string {
  const version = node.configVersion === null ? 'none' : printable(node.configVersion);
  if (node.refused !== undefined) return `${version} ${colors.red(`refused ${printable(node.refused.configVersion)}`)}`;
  return node.behindMs > 0 ? `${version} ${colors.yellow(`(${formatDuration(node.behindMs)} behind)`)}` : version;
}
