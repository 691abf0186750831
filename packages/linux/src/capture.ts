/** The ports that the agent listens on inside a captured pod. */
export const podPorts = { outbound: 15001, inboundPlaintext: 15006, hbone: 15008 } as const;

/**
 * Socket marks of the agent inside a pod's namespace. `outbound` traffic leaves the pod without being redirected again;
 * `inbound` traffic carries a client's address to the application and comes back to the agent.
 */
export const socketMarks = { outbound: 0x7501, inbound: 0x7502, mask: 0xffff } as const;

/** The source address of kubelet probes inside a pod: never redirected, so probes pass while the agent is away. */
export const probeSourceAddress = '169.254.7.127';

/** A pod's namespace, as capture needs it. */
export interface CapturePod {
  readonly uid: string;
  /** The path of its network namespace. */
  readonly netns: string;
}

/**
 * One way to redirect a pod's TCP connections to the agent's ports inside the pod.
 *
 * Each call is idempotent and may be repeated after a crash at any point. Open connections survive every call.
 */
export interface Capture {
  readonly mode: 'iptables' | 'ebpf';
  /**
   * Makes the pod's kernel ready for the agent's connections to its application. Comes before the agent's ports are open:
   * other agents connect as soon as they are, and an answer that went its own way would leave that connection hanging.
   */
  prepare(pod: CapturePod): Promise<void>;
  /** New connections go to the agent from now on; {@link prepare} came before. */
  install(pod: CapturePod): Promise<void>;
  /** New connections go their own way from now on; those that the agent carries stay alive. */
  release(pod: CapturePod): Promise<void>;
  /** Takes away what {@link prepare} made and {@link release} had to leave for the agent's last connections. */
  remove(pod: CapturePod): Promise<void>;
  /** Releases and removes at once, in a pod that nobody carries connections of; nothing is done where nothing is there. */
  clean(pod: CapturePod): Promise<void>;
}
