import type { RouteParentStatus } from '@tulle/gateway-api';
import type { RouteKind, ServiceRoutes } from '@tulle/ir';
import { compareText, routeKey } from '../input.ts';
import type { Route } from '../input.ts';
import type { ServiceLookup } from '../lookup.ts';
import { attachRoute, groupKey, groupsOf, kindOf } from '../routes/attached-route.ts';
import type { AttachedRoute, GroupPlace } from '../routes/attached-route.ts';
import { mergeGroup, portKey, serviceRoutes } from '../routes/groups.ts';
import type { GroupOutcome } from '../routes/groups.ts';
import { routeProblems, unreachableProblems } from '../status/route-problems.ts';
import { routeStatuses } from '../status/route-status.ts';
import type { Record, WorkBoard, WorkSet } from './dependencies.ts';
import type { ProblemBook } from './problem-book.ts';
import { ResultMap } from './result-map.ts';

/** The routes of one group, and what they come to. */
interface Group extends GroupPlace {
  readonly members: Set<string>;
  outcome: GroupOutcome | undefined;
}

/** What routes are made with. */
export interface RoutePartOptions {
  readonly lookup: (record: Record) => ServiceLookup;
  readonly board: WorkBoard;
  readonly problems: ProblemBook;
}

/** Routes, the groups that they form at Service ports, and their statuses. */
export class RoutePart {
  readonly tables = new ResultMap<ServiceRoutes>();
  readonly statuses = new ResultMap<readonly RouteParentStatus[]>();
  readonly #options: RoutePartOptions;
  readonly #work: WorkSet;
  readonly #routes = new Map<string, Route>();
  readonly #attached = new Map<string, AttachedRoute>();
  readonly #groups = new Map<string, Group>();
  /** The groups of each Service port, by consumer. */
  readonly #byPort = new Map<string, Map<string, Group>>();

  constructor(options: RoutePartOptions) {
    this.#options = options;
    this.#work = options.board.workSet();
  }

  /** Sets a route, or removes it. */
  put(key: string, route: Route | undefined): void {
    if (route === undefined) this.#routes.delete(key);
    else this.#routes.set(key, route);
    this.#work.mark(key);
  }

  /** Which kind of routes decides about a port of a Service. */
  readonly routeKindOf = (service: string, port: number): RouteKind => kindOf(this.tables.get(portKey(service, port)));

  /** Makes the routes anew that something changed for, then the groups that these are in, then the statuses of both. */
  update(now: string): void {
    const groups = new Set<string>();
    const statusDue = new Set<string>();
    for (const key of this.#work.take()) {
      this.#leaveGroups(key, groups);
      this.#attach(key);
      this.#enterGroups(key, groups);
      statusDue.add(key);
    }
    const ports = new Map<string, string>();
    for (const key of groups) this.#mergeGroup(key, { statusDue, ports });
    for (const [port, service] of ports) this.#updatePort(port, service);
    for (const key of statusDue) this.#updateStatus(key, now);
  }

  #attach(key: string): void {
    const route = this.#routes.get(key);
    if (route === undefined) {
      this.#work.forget(key);
      this.#attached.delete(key);
      return;
    }
    const attached = this.#work.make(key, (record) => attachRoute(route, this.#options.lookup(record)));
    if (attached === undefined) this.#attached.delete(key);
    else this.#attached.set(key, attached);
  }

  #leaveGroups(key: string, touched: Set<string>): void {
    for (const place of groupsOf(this.#attached.get(key))) {
      const name = groupKey(place);
      this.#groups.get(name)?.members.delete(key);
      touched.add(name);
    }
  }

  #enterGroups(key: string, touched: Set<string>): void {
    for (const place of groupsOf(this.#attached.get(key))) {
      const name = groupKey(place);
      let group = this.#groups.get(name);
      if (group === undefined) {
        group = { ...place, members: new Set(), outcome: undefined };
        this.#groups.set(name, group);
        const port = portKey(place.service, place.port);
        const ofPort = this.#byPort.get(port) ?? new Map<string, Group>();
        this.#byPort.set(port, ofPort.set(place.consumer, group));
      }
      group.members.add(key);
      touched.add(name);
    }
  }

  /** Merges a group anew; its routes are due a status, and its port a table. */
  #mergeGroup(
    name: string,
    { statusDue, ports }: { readonly statusDue: Set<string>; readonly ports: Map<string, string> },
  ): void {
    const group = this.#groups.get(name);
    if (group === undefined) return;
    const { service, port, consumer, members } = group;
    const at = portKey(service, port);
    if (members.size === 0) {
      this.#groups.delete(name);
      this.#byPort.get(at)?.delete(consumer);
    } else {
      const keys = [...members].sort(compareText);
      for (const key of keys) statusDue.add(key);
      const routes = keys.flatMap((key) => this.#attached.get(key)?.translated ?? []);
      group.outcome = mergeGroup({ service, port, consumer, routes });
    }
    ports.set(at, service);
  }

  #updatePort(at: string, service: string): void {
    const groups = this.#byPort.get(at);
    const kindBefore = kindOf(this.tables.get(at));
    const outcomes = new Map<string, GroupOutcome>();
    for (const [consumer, { outcome }] of groups ?? []) if (outcome !== undefined) outcomes.set(consumer, outcome);
    const port = Number(at.slice(at.lastIndexOf(':') + 1));
    this.tables.set(at, outcomes.size === 0 ? undefined : serviceRoutes(service, port, outcomes));
    if (groups?.size === 0) this.#byPort.delete(at);
    if (kindOf(this.tables.get(at)) !== kindBefore) this.#options.board.changed(`kinds ${service}`);
  }

  #updateStatus(key: string, now: string): void {
    const attached = this.#attached.get(key);
    if (attached === undefined) {
      this.statuses.set(key, undefined);
      this.#options.problems.replace('route', key, []);
      return;
    }
    const outcomeOf = (place: GroupPlace) => this.#groups.get(groupKey(place))?.outcome;
    const { route } = attached.translated;
    const ofRoute = routeStatuses(attached, { outcomeOf, previous: this.statuses.get(key) ?? [], now });
    this.statuses.set(key, ofRoute);
    const outcomes = groupsOf(attached).flatMap((place) => outcomeOf(place) ?? []);
    this.#options.problems.replace('route', key, [
      ...routeProblems(route, ofRoute),
      ...unreachableProblems(routeKey(route), route, outcomes),
    ]);
  }
}
