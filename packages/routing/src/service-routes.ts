import type { RouteTable, ServiceRoutes } from '@tulle/ir';
import { CompiledHttpRoutes } from './http-routes.ts';
import { CompiledTcpRoutes, CompiledTlsRoutes } from './tcp-routes.ts';

/** A group of routes, ready to match. */
export type CompiledRouteTable = CompiledHttpRoutes | CompiledTlsRoutes | CompiledTcpRoutes;

/** Compiles what one group says; state is kept from `previous` if it is of the same kind. */
export function compileRouteTable(
  group: RouteTable,
  previous?: CompiledRouteTable,
  random: () => number = Math.random,
): CompiledRouteTable {
  switch (group.kind) {
    case 'http':
    case 'grpc':
      return new CompiledHttpRoutes(group.table, group.kind, {
        previous: previous instanceof CompiledHttpRoutes ? previous : undefined,
        random,
      });
    case 'tls':
      return new CompiledTlsRoutes(group.rules, previous instanceof CompiledTlsRoutes ? previous : undefined, random);
    case 'tcp':
      return new CompiledTcpRoutes(group.rules, previous instanceof CompiledTcpRoutes ? previous : undefined, random);
  }
}

/** All routes of a Service port, ready to match: the producer's, and those of the namespaces that consume it. */
export class CompiledServiceRoutes {
  readonly routes: ServiceRoutes;
  private readonly producer: CompiledRouteTable | undefined;
  private readonly consumers = new Map<string, CompiledRouteTable>();

  /** Throws when an expression is not RE2, which translation and validation rule out. */
  constructor(routes: ServiceRoutes, previous?: CompiledServiceRoutes, random: () => number = Math.random) {
    this.routes = routes;
    this.producer =
      routes.producer === undefined ? undefined : compileRouteTable(routes.producer, previous?.producer, random);
    for (const [namespace, group] of Object.entries(routes.consumers)) {
      this.consumers.set(namespace, compileRouteTable(group, previous?.consumers.get(namespace), random));
    }
  }

  /**
   * The group that applies to clients in `namespace`: its own consumer routes alone if it has any, else the producer's.
   * Undefined when there is none: then the Service is used as if it had no routes.
   */
  forClient(namespace: string): CompiledRouteTable | undefined {
    return this.consumers.get(namespace) ?? this.producer;
  }
}
