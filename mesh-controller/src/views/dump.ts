import { cliApiVersion } from '@tulle/admin-api';
import type { MeshState } from '@tulle/ir';

/** The whole intermediate representation as agents get it. It holds no secrets: keys never leave their nodes. */
export function dumpState(state: MeshState, configVersion: string): object {
  return {
    apiVersion: cliApiVersion,
    kind: 'Dump',
    configVersion,
    settings: state.settings,
    policies: Object.fromEntries(state.policies),
    workloads: Object.fromEntries(state.workloads),
    services: Object.fromEntries(state.services),
    endpoints: Object.fromEntries(state.endpoints),
    routes: Object.fromEntries(state.routes),
  };
}
