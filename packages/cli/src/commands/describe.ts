import type { Command } from 'commander';
import type { RouteView } from '@tulle/admin-api';
import { fetchDocument } from '../admin-client.ts';
import type { CliContext } from '../cli-context.ts';
import { addExamples, addMeshOptions, controllerFor, namedObject, type NamespacedOptions } from '../command-support.ts';
import { printDocument } from '../output.ts';
import { renderPod } from '../render/pod.ts';
import { renderRoute } from '../render/route.ts';
import { renderService } from '../render/service.ts';

const routeKinds = ['httproute', 'grpcroute', 'tcproute', 'tlsroute'] as const;

/** Adds `tulle describe service`, `tulle describe pod`, `tulle describe route` and the commands of each route kind. */
export function registerDescribe(program: Command, context: CliContext): void {
  const describe = program
    .command('describe')
    .summary('what the mesh does with a Service, a pod or a route, and why')
    .description('Shows what the mesh does with a Service, a pod or a route, and why.');
  addExamples(describe, ['tulle describe service shop/cart', 'tulle describe route cart-canary -n shop']);
  describeService(describe, context);
  describePod(describe, context);
  describeRoute(describe, context);
  for (const kind of routeKinds) describeRouteOfKind(describe, context, kind);
}

function describeService(describe: Command, context: CliContext): void {
  const command = named(describe.command('service').alias('svc'))
    .summary('a Service: its routes, what its clients get, its endpoints')
    .description('Shows the routes of a Service, what its clients get in order of precedence, and its endpoints.')
    .action(async (text: string, options: NamespacedOptions) => {
      const { namespace, name } = namedObject(text, options);
      const address = await controllerFor(context, options);
      const view = await fetchDocument(address, 'Service', `/v1/services/${namespace}/${name}`);
      await printDocument(context, options.output, view, () => renderService(view, context.colors));
    });
  addMeshOptions(command, [
    'tulle describe service shop/cart',
    'tulle describe service cart -n shop',
    "tulle describe service shop/cart -o json | jq '.ruleGroups[].rules[].backends'",
  ]);
}

function describePod(describe: Command, context: CliContext): void {
  const command = named(describe.command('pod').alias('po'))
    .summary('a pod: its identity, whether it is captured, who may connect, who was turned away')
    .description('Shows the identity of a pod, whether it is captured, who may connect to it and who was turned away.')
    .action(async (text: string, options: NamespacedOptions) => {
      const { namespace, name } = namedObject(text, options);
      const address = await controllerFor(context, options);
      const view = await fetchDocument(address, 'Pod', `/v1/pods/${namespace}/${name}`);
      await printDocument(context, options.output, view, () => renderPod(view, context.colors));
    });
  addMeshOptions(command, ['tulle describe pod shop/cart-1', 'tulle describe pod cart-1 -n shop -o json']);
}

function describeRoute(describe: Command, context: CliContext): void {
  const command = named(describe.command('route'))
    .summary('a route of any kind: whether it is applied, and its rules')
    .description(
      'Shows whether a route is applied, for each of its parents, and its rules. Looks in all kinds of routes; with ' +
        '-o json prints a Route, or a RouteList when routes of several kinds have the name.',
    )
    .action(async (text: string, options: NamespacedOptions) => {
      const { namespace, name } = namedObject(text, options);
      const address = await controllerFor(context, options);
      const list = await fetchDocument(address, 'RouteList', `/v1/routes/${namespace}/${name}`);
      await printRoutes(context, options, list.items.length === 1 ? (list.items[0] ?? list) : list, list.items);
    });
  addMeshOptions(command, [
    'tulle describe route shop/cart-canary',
    'tulle describe route cart-canary -n shop -o yaml',
  ]);
}

function describeRouteOfKind(describe: Command, context: CliContext, kind: (typeof routeKinds)[number]): void {
  const command = named(describe.command(kind))
    .summary('the same, of this kind only')
    .description('Shows whether a route of this kind is applied, for each of its parents, and its rules.')
    .action(async (text: string, options: NamespacedOptions) => {
      const { namespace, name } = namedObject(text, options);
      const address = await controllerFor(context, options);
      const view = await fetchDocument(address, 'Route', `/v1/routes/${kind}/${namespace}/${name}`);
      await printRoutes(context, options, view, [view]);
    });
  addMeshOptions(command, [`tulle describe ${kind} shop/cart`, `tulle describe ${kind} cart -n shop -o json`]);
}

function printRoutes(
  context: CliContext,
  options: NamespacedOptions,
  document: object,
  routes: readonly RouteView[],
): Promise<void> {
  return printDocument(context, options.output, document, () =>
    routes.flatMap((route, index) => [...(index > 0 ? [''] : []), ...renderRoute(route, context.colors)]),
  );
}

function named(command: Command): Command {
  return command
    .argument('<name>', 'NS/NAME, or NAME with -n')
    .option('-n, --namespace <namespace>', 'the namespace of NAME (default: "default")');
}
