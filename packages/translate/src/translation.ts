import type { MeshStatus, PolicyAncestorStatus, RouteParentStatus } from '@tulle/gateway-api';
import type { MeshState } from '@tulle/ir';
import type { TranslationProblem } from './problem.ts';

/** What a translation gives. */
export interface Translation {
  readonly state: MeshState;
  /**
   * By route (`Kind/namespace/name`), one entry for each parentRef that names a Service. Routes without such a parent
   * are not ours and have none.
   */
  readonly routeStatuses: ReadonlyMap<string, readonly RouteParentStatus[]>;
  /** By policy (`Kind/namespace/name`), one entry for each target that is a Service, at most 16 with those of others. */
  readonly policyStatuses: ReadonlyMap<string, readonly PolicyAncestorStatus[]>;
  /** By `XMesh/name`, for each XMesh of this controller. */
  readonly meshStatuses: ReadonlyMap<string, MeshStatus>;
  readonly problems: readonly TranslationProblem[];
}
