import type { RetryBudget, SessionPersistence } from '@tulle/ir';

/** What an XBackendTrafficPolicy says about a Service. */
export interface BackendTraffic {
  readonly retryBudget?: RetryBudget;
  readonly sessionPersistence?: SessionPersistence;
}
