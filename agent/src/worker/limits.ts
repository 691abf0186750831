/** What bounds a worker and the pods that it carries; the table in docs/limits.md is this one. */
export interface WorkerLimits {
  /** Connections of one pod's applications that are open at once, in one worker. */
  readonly connectionsPerPod: number;
  /** The same for all pods of a worker together. */
  readonly connectionsPerWorker: number;
  /** Requests of one pod that have begun and have not been answered to their end, in one worker. */
  readonly requestsPerPod: number;
  readonly requestsPerWorker: number;
  /** MiB that wait in memory because clients of one pod do not read; past it the slowest are reset. */
  readonly bufferedMibPerPod: number;
  /** MiB of memory that a worker may use. From three quarters on greedy pods get less, from nine tenths nobody more. */
  readonly memoryMib: number;
  /** Chunks of input (of 16 KiB, or less) that are worked on for one pod before the next pod has its turn; eight times as many while no other is busy. */
  readonly workPerTurn: number;
}

export const defaultLimits: WorkerLimits = {
  connectionsPerPod: 10_000,
  connectionsPerWorker: 30_000,
  requestsPerPod: 5_000,
  requestsPerWorker: 20_000,
  bufferedMibPerPod: 64,
  memoryMib: 512,
  workPerTurn: 8,
};

/** The limits by the names that people set them with: `requests-per-pod`. */
export const limitNames: ReadonlyMap<string, keyof WorkerLimits> = new Map(
  (Object.keys(defaultLimits) as (keyof WorkerLimits)[]).map((key) => [
    key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
    key,
  ]),
);
