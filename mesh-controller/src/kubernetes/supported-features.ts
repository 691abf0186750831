/**
 * The features of the Gateway API that are claimed in the status of our XMesh and in conformance reports, in the order
 * that the API asks for. A feature is listed once the official suite passes it, never before.
 */
export const supportedFeatures: readonly string[] = ['HTTPRoute', 'Mesh'];
