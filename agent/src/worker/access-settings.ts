/** Which requests and connections get a line. */
export interface AccessLogSettings {
  /** Those that failed: answered by the mesh, broken, 5xx, or with a gRPC status that says the server is at fault. */
  readonly errors: boolean;
  /** Percent of all others; 100: each. */
  readonly percent: number;
}

export const defaultAccessLog: AccessLogSettings = { errors: true, percent: 0 };
