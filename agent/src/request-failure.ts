/** gRPC statuses that say the server is at fault (OpenTelemetry's conventions for gRPC). */
const grpcFaults: ReadonlySet<number> = new Set([2, 4, 12, 13, 14, 15]);

/** Whether a request failed by somebody else's fault than its client's. `grpcStatus` is negative where it was no call. */
export function isFailure(status: number, reason: string, grpcStatus: number): boolean {
  if (reason !== '' && reason !== 'client-closed') return true;
  return status >= 500 || grpcFaults.has(grpcStatus);
}
