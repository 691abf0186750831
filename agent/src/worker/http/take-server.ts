import { errorMessage } from '@tulle/core';
import type { BalancedEndpoint } from '@tulle/routing';
import { Http2Attempt } from '../http2/http2-attempt.ts';
import type { Pod } from '../pod.ts';
import type { HttpVersion, ServerSide } from './sides.ts';

/**
 * A server's side at an endpoint for one request: a connection of the pod's that is free, or a new one, where `fresh`
 * asks for it or there is none. Undefined where none could be made.
 */
export function takeServer(
  pod: Pod,
  endpoint: BalancedEndpoint,
  version: HttpVersion,
  fresh: boolean,
): ServerSide | undefined {
  try {
    return version === 1 ? pod.takeUpstream(endpoint, fresh) : new Http2Attempt(pod, endpoint);
  } catch (error) {
    pod.context.log.warn('a socket could not be made in a pod', { error: errorMessage(error) });
    return undefined;
  }
}
