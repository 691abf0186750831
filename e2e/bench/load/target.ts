/** Where a load client runs, and where it sends to. */
export interface LoadTarget {
  /** The network namespace of the client's pod. */
  readonly netns: string;
  readonly host: string;
  readonly port: number;
}

/** How long a load client may take beyond the time it was asked to load for. */
export const loadMarginMs = 15_000;
