export { canonicalJson } from './canonical-json.ts';
export { FeedClient, type FeedClientOptions } from './feed-client.ts';
export type { FeedCredentials } from './feed-connection.ts';
export { FeedServer } from './feed-server.ts';
export type { AuthenticateNode, FeedServerOptions, NodeState } from './feed-server.ts';
export type { CertificateReport, DenialReport, NodeReport, PodReport, RequestRate } from './report-service.ts';
export { decodeResource } from './decode-resource.ts';
