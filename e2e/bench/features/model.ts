import type { Manifest } from '../manifests.ts';

/** A request as it is loaded with, and as it is checked with. */
export interface FeatureRequest {
  readonly path: string;
  readonly headers?: { readonly [name: string]: string };
}

/** What came back. */
export interface Answer {
  readonly status: number;
  /** By name in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** What a check may do. */
export interface Checker {
  /** Asks the row's Service `count` times, over one connection; with the row's own request where nothing is said. */
  ask(request?: FeatureRequest, more?: { readonly count?: number; readonly method?: string }): Promise<Answer[]>;
  /** The same over connections of their own. */
  askAnew(request: FeatureRequest, count: number): Promise<Answer[]>;
  /** The same as {@link ask} from a pod whose service account is another. */
  askAsStranger(): Promise<Answer[]>;
  /** Requests that the pod for copies has been sent so far. */
  mirrored(): Promise<number>;
  /** Lines of the access log of the client's agent so far. */
  accessLogLines(): Promise<number>;
}

/** Which agents a row's requests go through: all rows share some, but for what is set for a whole agent. */
export type GroundName = 'shared' | 'log-all' | 'log-off';

/** One row of the table: something that is used, and what it is compared with. */
export interface Feature {
  readonly id: string;
  readonly group: string;
  readonly title: string;
  readonly ground: GroundName;
  /** The Service that is asked; several rows may ask one. */
  readonly service: string;
  /** What the Service has, beside itself. */
  readonly objects: readonly Manifest[];
  /** The label `app` of the Service's own pods. */
  readonly app: string;
  readonly request: FeatureRequest;
  /** The row that it is compared with; undefined for what is only there for others to be compared with. */
  readonly against: string | undefined;
  /** A limit for its CPU time divided by that of `against`. */
  readonly atMost?: number;
  /** Gives what is not as it should be: the feature must act before its cost is of interest. */
  readonly check: (checker: Checker) => Promise<string | undefined>;
  /** Gives the request to load with, where it has to be asked for first. */
  readonly prepare?: (checker: Checker) => Promise<FeatureRequest>;
}
