// Made by generate.ts; do not edit.
import backendTLSPolicy from './backendtlspolicy.json' with { type: 'json' };
import grpcRoute from './grpcroute.json' with { type: 'json' };
import httpRoute from './httproute.json' with { type: 'json' };
import referenceGrant from './referencegrant.json' with { type: 'json' };
import tcpRoute from './tcproute.json' with { type: 'json' };
import tlsRoute from './tlsroute.json' with { type: 'json' };
import udpRoute from './udproute.json' with { type: 'json' };
import authorizationPolicy from './authorizationpolicy.json' with { type: 'json' };

/** The CustomResourceDefinitions, without their prose. */
export const definitions: readonly unknown[] = [
  backendTLSPolicy,
  grpcRoute,
  httpRoute,
  referenceGrant,
  tcpRoute,
  tlsRoute,
  udpRoute,
  authorizationPolicy,
];
