import { fileURLToPath } from 'node:url';
import { loadSync, type Options } from '@grpc/proto-loader';
import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';

/** How .proto files are read into JavaScript objects: camelCase, absent messages as null, absent scalars as zero. */
export const loaderOptions: Options = { longs: Number, enums: String, defaults: true, arrays: true, objects: true };

/** `DeltaDiscoveryRequest`, as read from the wire. */
export interface DeltaRequest {
  readonly node: { readonly id: string } | null;
  readonly typeUrl: string;
  readonly resourceNamesSubscribe: readonly string[];
  readonly resourceNamesUnsubscribe: readonly string[];
  readonly initialResourceVersions: Readonly<Record<string, string>>;
  readonly responseNonce: string;
  readonly errorDetail: { readonly code: number; readonly message: string } | null;
  readonly moreFollows: boolean;
}

/** A resource in a {@link DeltaResponse}. */
export interface DeltaResource {
  readonly name: string;
  readonly version: string;
  readonly resource: { readonly typeUrl: string; readonly value: Uint8Array } | null;
}

/** `DeltaDiscoveryResponse`, as read from the wire. */
export interface DeltaResponse {
  readonly systemVersionInfo: string;
  readonly resources: readonly DeltaResource[];
  readonly typeUrl: string;
  readonly nonce: string;
  readonly removedResources: readonly string[];
  readonly moreFollows: boolean;
}

/** `envoy.service.discovery.v3.AggregatedDiscoveryService`, its delta half. */
export interface DiscoveryServiceDefinition extends ServiceDefinition {
  readonly DeltaAggregatedResources: MethodDefinition<Partial<DeltaRequest>, DeltaResponse>;
}

/** Loads the discovery service's definition from its .proto file. */
export function loadDiscoveryService(): DiscoveryServiceDefinition {
  const file = fileURLToPath(new URL('proto/discovery.proto', import.meta.url));
  const service: object | undefined = loadSync(file, loaderOptions)[
    'envoy.service.discovery.v3.AggregatedDiscoveryService'
  ];
  return service as DiscoveryServiceDefinition;
}
