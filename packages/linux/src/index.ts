export * from './capture.ts';
export { makeBlocking } from './descriptor-flags.ts';
export { IptablesCapture } from './iptables-capture.ts';
export { SystemCallError } from './libc.ts';
export { returnUnusedMemory } from './memory.ts';
export { NetworkNamespace } from './network-namespace.ts';
export { ProbeRules } from './probe-rules.ts';
export { CommandError, runCommand } from './run-command.ts';
export type { ThreadTimes } from './scheduling.ts';
export { hasUsualPolicy, setSchedulingPolicy, threadTimes } from './scheduling.ts';
export type { IpPort } from './socket-address.ts';
export { decodeSocketAddress, encodeSocketAddress } from './socket-address.ts';
export type { TcpListenerOptions, TcpSocketOptions } from './tcp-socket.ts';
export {
  closeSocket,
  networkNamespaceCookie,
  openSocketPair,
  openTcpListener,
  openTcpSocket,
  originalDestination,
} from './tcp-socket.ts';
