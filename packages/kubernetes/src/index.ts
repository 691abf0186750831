export { ApiError, isApiStatus } from './api-error.ts';
export {
  collectionPath,
  objectPath,
  ResourceCatalog,
  resourcesOf,
  type ApiObjectName,
  type ApiResource,
} from './catalog.ts';
export { KubernetesClient, type PatchType, type Query, type WatchEvent, type WatchOptions } from './client.ts';
export { Connection, type ClusterChoice } from './connection.ts';
export { forwardPort, type ForwardedPort, type PodPort } from './port-forward.ts';
export { pause } from './pause.ts';
export { Reflector, type RawObject, type ReflectorOptions, type ReflectorSink } from './reflector.ts';
export { ObjectWatch, type ObjectWatchOptions } from './object-watch.ts';
