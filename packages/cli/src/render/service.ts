import type { AttachedRouteView, EndpointView, ServicePortView, ServiceView } from '@tulle/admin-api';
import type { Colors } from '../cli-context.ts';
import { alignColumns, printable } from '../table.ts';
import { inNamespace, renderRuleGroup } from './rules.ts';
import { renderProblems } from './status.ts';

/** The lines of `tulle describe service`. */
export function renderService(view: ServiceView, colors: Colors): string[] {
  const style = { namespace: view.namespace, showTarget: view.ports.length > 1 };
  return [
    ...title(view, colors),
    ...(view.routes.length === 0
      ? ['No route names this Service: its clients are sent to its own endpoints.']
      : [
          colors.bold('Routes'),
          ...alignColumns(
            view.routes.map((route) => routeRow(route, colors)),
            { gap: 2, indent: 2 },
          ),
        ]),
    ...view.ruleGroups.flatMap((group) => renderRuleGroup(group, style, colors)),
    colors.bold('Endpoints'),
    ...endpointLines(view, colors),
    ...renderProblems(view.problems, colors),
  ];
}

function title(view: ServiceView, colors: Colors): string[] {
  const name = colors.bold(`Service ${view.namespace}/${view.name}`);
  const address = view.clusterIPs.length === 0 ? 'headless' : view.clusterIPs.map(printable).join(' ');
  const [first, ...more] = view.ports.map(portText);
  if (more.length === 0) return [[name, address, ...(first === undefined ? [] : [first])].join('   ')];
  return [[name, address].join('   '), ...[first ?? '', ...more].map((port) => `  ${port}`)];
}

function portText(port: ServicePortView): string {
  const target = port.targetPort === undefined ? '' : ` -> ${port.targetPort}`;
  return printable(`port ${port.name === '' ? '' : `${port.name} `}${port.port}${target} (${port.protocol})`);
}

function routeRow(route: AttachedRouteView, colors: Colors): string[] {
  const name = printable(`${route.kind} ${route.namespace}/${route.name}`);
  const port = route.port === undefined ? '' : `, port ${route.port}`;
  return route.accepted
    ? [
        route.role.toUpperCase(),
        name,
        colors.green('Accepted'),
        `for ${printable(route.clients?.text ?? 'nobody')}${port}`,
      ]
    : [route.role.toUpperCase(), name, colors.red('Refused'), printable(`${route.reason}: ${route.message}`)];
}

function endpointLines(view: ServiceView, colors: Colors): string[] {
  if (view.endpoints.length === 0) return [`  ${colors.red('none')}`];
  let previous = '';
  const rows = view.endpoints.map((endpoint) => {
    const service = `${inNamespace(endpoint.service, view.namespace)}:${endpoint.servicePort}`;
    const row = endpointRow(endpoint, service === previous ? '' : service, colors);
    previous = service;
    return row;
  });
  return alignColumns(rows, { gap: 2, indent: 2 });
}

function endpointRow(endpoint: EndpointView, service: string, colors: Colors): string[] {
  const address = endpoint.address.includes(':') ? `[${endpoint.address}]` : endpoint.address;
  return [
    service,
    printable(`${address}:${endpoint.port}`),
    printable(endpoint.node ?? '-'),
    endpoint.ready ? colors.green('ready') : colors.red('not ready'),
    printable(endpoint.identity ?? `plaintext${endpoint.meshReason === undefined ? '' : ` (${endpoint.meshReason})`}`),
  ];
}
