/** What `up` asks of a supervisor. */
export interface SupervisorOptions {
  readonly name: string;
  readonly root: string;
  /** The directory of manifests, absolute. */
  readonly manifests: string;
  /** False: only pods and Services, no controller and no agents. */
  readonly mesh: boolean;
  /** How long everything may take to become ready. */
  readonly timeoutMs: number;
  /** Passed on to the agents and the controller as they are. */
  readonly capture: 'auto' | 'iptables' | 'ebpf' | undefined;
  readonly workers: number | undefined;
  readonly sameNode: 'tunnel' | 'direct' | undefined;
  readonly mtlsMode: 'permissive' | 'strict' | undefined;
  readonly trustDomain: string | undefined;
  readonly certificateLifetimeSeconds: number | undefined;
  /** Absolute. */
  readonly issuerDir: string | undefined;
  /** Passed on to the controller as they are. */
  readonly controllerFlags: readonly string[];
  /** Passed on to every agent as they are. */
  readonly agentFlags: readonly string[];
}

/** What a supervisor tells the `up` that started it. */
export type SupervisorMessage =
  /** A step is done: two or three words, and what came of it. */
  | { readonly kind: 'progress'; readonly step: string; readonly text: string }
  /** Everything was tried; `broken` says what does not work, `warnings` what is ignored, in full lines. */
  | { readonly kind: 'settled'; readonly broken: readonly string[]; readonly warnings: readonly string[] };
