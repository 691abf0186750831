import type { CliApiVersion, ProblemView } from './common.ts';
import type { RuleGroupView } from './rules.ts';

/** What became of a route: `tulle describe route`, `GET /v1/routes/NS/NAME`. */
export interface RouteView {
  readonly apiVersion: CliApiVersion;
  readonly kind: 'Route';
  readonly routeKind: string;
  readonly namespace: string;
  readonly name: string;
  /**
   * `applied`: every parent accepted it and every reference resolved. `notApplied`: no parent accepted it.
   * `partiallyApplied`: anything between.
   */
  readonly applied: 'applied' | 'partiallyApplied' | 'notApplied';
  readonly parents: readonly RouteParentView[];
  /** The rules that came of this route, as they stand in the order of each Service that it is attached to. */
  readonly ruleGroups: readonly RuleGroupView[];
  readonly problems: readonly ProblemView[];
}

/** A parentRef of a route and what the mesh says to it. */
export interface RouteParentView {
  readonly parent: {
    readonly group: string;
    readonly kind: string;
    readonly namespace: string;
    readonly name: string;
    readonly sectionName?: string;
    readonly port?: number;
  };
  /** Whether the route is of the parent Service's namespace, or acts for clients of its own. */
  readonly role: 'producer' | 'consumer';
  /** Empty when the parent is not the mesh's to answer for. */
  readonly conditions: readonly RouteConditionView[];
}

/** A condition of a route's status, in the words of the Gateway API. */
export interface RouteConditionView {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
}

/** The routes of one name, when kinds are not told apart: `GET /v1/routes/NS/NAME`. At least one. */
export interface RouteListView {
  readonly apiVersion: CliApiVersion;
  readonly kind: 'RouteList';
  readonly items: readonly RouteView[];
}
