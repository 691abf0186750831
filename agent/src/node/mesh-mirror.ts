import type {
  AuthorizationPolicy,
  ChangeSet,
  MeshDelta,
  MeshService,
  MeshSettings,
  ServiceEndpoints,
  ServiceRoutes,
  Workload,
} from '@tulle/ir';

/** All that the controller has sent, kept for workers that start later and for people who ask. */
export class MeshMirror {
  /** Whether anything has come yet. */
  hasState = false;
  settings: MeshSettings | undefined;
  readonly policies = new Map<string, AuthorizationPolicy>();
  readonly workloads = new Map<string, Workload>();
  readonly services = new Map<string, MeshService>();
  readonly endpoints = new Map<string, ServiceEndpoints>();
  readonly routes = new Map<string, ServiceRoutes>();

  apply(delta: MeshDelta): void {
    this.hasState = true;
    if (delta.settings !== undefined) this.settings = delta.settings;
    applyChanges(this.policies, delta.policies);
    applyChanges(this.workloads, delta.workloads);
    applyChanges(this.services, delta.services);
    applyChanges(this.endpoints, delta.endpoints);
    applyChanges(this.routes, delta.routes);
  }

  /** Everything, as a change from nothing. */
  asDelta(): MeshDelta {
    return {
      ...(this.settings === undefined ? {} : { settings: this.settings }),
      policies: { changed: this.policies, removed: [] },
      workloads: { changed: this.workloads, removed: [] },
      services: { changed: this.services, removed: [] },
      endpoints: { changed: this.endpoints, removed: [] },
      routes: { changed: this.routes, removed: [] },
    };
  }

  /** How many resources there are, by kind. */
  counts(): Record<string, number> {
    return {
      policies: this.policies.size,
      workloads: this.workloads.size,
      services: this.services.size,
      endpoints: this.endpoints.size,
      routes: this.routes.size,
    };
  }
}

function applyChanges<T>(to: Map<string, T>, changes: ChangeSet<T>): void {
  for (const key of changes.removed) to.delete(key);
  for (const [key, value] of changes.changed) to.set(key, value);
}
