/**
 * Bytes both ways between the agent and one end of a connection: a socket of the client's or the server's application, or
 * a stream of a tunnel. The request path is written against this, so that it does not care which.
 *
 * Each call of the owner comes from the event loop, never from inside a call of the channel's own methods, except
 * `onClosed`, which `reset` never calls.
 */
export interface ByteChannel {
  /** Who is told what happens; it may be replaced while the channel is in use (a pooled connection changes hands). */
  owner: ChannelOwner;
  /** Whether what carries the channel wants to end: nothing new should be begun on it. */
  readonly retiring: boolean;
  /**
   * Sends `chunk[start..end)`; the bytes must not change afterwards. Before the channel is open they are kept.
   * Gives false when the other side should be read no further until {@link ChannelOwner.onWritable}.
   */
  write(chunk: Buffer, start: number, end: number): boolean;
  /** Says that nothing more will be sent (FIN, END_STREAM), after what was written. */
  end(): void;
  /** Breaks the channel at once, so that the other end sees a reset. The owner hears nothing more. */
  reset(): void;
  /** Stops and goes on reading. */
  pause(): void;
  resume(): void;
}

/** The channel of an application of the pod, which the agent has accepted. */
export interface ClientChannel extends ByteChannel {
  /** What was written and has not left the worker yet. */
  readonly unsentBytes: number;
  /** What was written to it since it was accepted. */
  readonly writtenBytes: number;
  /** After {@link end}: lets go of the channel. What was written is still delivered; the owner hears nothing more. */
  close(): void;
}

/** Why a channel ended that did not end well; a closed list, shown as `reason` in metrics and answers. */
export type ChannelFailure =
  | 'connect-refused'
  | 'connect-timeout'
  | 'connect-failed'
  | 'peer-identity'
  | 'policy-denied'
  | 'no-certificate'
  /** The application's own TLS (BackendTLSPolicy): its certificate, or that it speaks none. */
  | 'backend-tls'
  | 'reset'
  | 'tunnel-closed';

/** What the owner of a channel is told. */
export interface ChannelOwner {
  /** The other end has accepted: for a tunnel, the application behind it has. */
  onOpen(channel: ByteChannel): void;
  onData(channel: ByteChannel, chunk: Buffer, start: number, end: number): void;
  /** The other end will send no more; writing still works. */
  onEnd(channel: ByteChannel): void;
  onWritable(channel: ByteChannel): void;
  /** The channel is gone: with no failure when both sides had ended, else broken. Called once, and nothing after it. */
  onClosed(channel: ByteChannel, failure: ChannelFailure | undefined): void;
}

/** An owner that wants to know nothing. */
export const nobody: ChannelOwner = {
  onOpen: () => {},
  onData: () => {},
  onEnd: () => {},
  onWritable: () => {},
  onClosed: () => {},
};
