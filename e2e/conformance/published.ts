/** What a published conformance report of another mesh lacks, of profiles and extended mesh features. */
export interface PublishedReport {
  readonly mesh: string;
  readonly lacks: string;
}

/** The newest reports that other meshes published with the Gateway API, for comparison. */
export const publishedReports: readonly PublishedReport[] = [
  { mesh: 'Istio 1.30', lacks: 'MeshClusterIPMatching, the profile MESH-GRPC' },
  { mesh: 'Cilium 1.20', lacks: 'MeshConsumerRoute' },
  { mesh: 'Linkerd 2.18', lacks: 'MeshHTTPRouteRewritePath, MeshHTTPRouteRedirectPath' },
];
