import { cliApiVersion } from '@tulle/admin-api';
import { redactState, type MeshState } from '@tulle/ir';

/** The whole intermediate representation as agents get it, but for secrets in routes. Keys never leave their nodes. */
export function dumpState(whole: MeshState, configVersion: string): object {
  const state = redactState(whole);
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
