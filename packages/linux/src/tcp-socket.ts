import type { IpPort } from './socket-address.ts';
import { AF_INET, AF_INET6, decodeSocketAddress, encodeSocketAddress, familyOf } from './socket-address.ts';
import { checked, libc } from './libc.ts';

const SOCK_STREAM_NONBLOCKING = 1 | 0o2000000 | 0o4000; // SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK
const AF_UNIX = 1;
const SOL_SOCKET = 1;
const SOL_IP = 0;
const SOL_TCP = 6;
const SOL_IPV6 = 41;
const SO_REUSEADDR = 2;
const SO_REUSEPORT = 15;
const SO_MARK = 36;
const SO_NETNS_COOKIE = 71;
const TCP_NODELAY = 1;
const IP_TRANSPARENT = 19;
const IPV6_TRANSPARENT = 75;
const IPV6_V6ONLY = 26;
const IP_BIND_ADDRESS_NO_PORT = 24;
const SO_ORIGINAL_DST = 80;

/**
 * Ports below those that kernels give to clients (32768 to 60999 unless somebody changed it). Behind a client's address
 * ours must be none that the client has itself: conntrack in the pod would take our packets for those of the client's own
 * redirected connection, and a socket that waits out an old connection of the client's would not let a new one in. They
 * begin above the ports that most servers listen on.
 */
const transparentPorts = { first: 10_240, last: 32_767 } as const;
/** So many ports are tried before the kernel may choose, from all. */
const transparentPortTries = 24;

/** What a client socket is made with. */
export interface TcpSocketOptions {
  /** The address that will be connected to: its family decides the socket's. */
  readonly destination: string;
  /** SO_MARK, by which the redirect rules know the agent's own traffic. */
  readonly mark: number;
  /**
   * The source address to show, though it is not this namespace's own (IP_TRANSPARENT): so that the application sees
   * its true client. The port is one that clients are not given.
   */
  readonly transparentSource?: string;
}

/** What a listening socket is made with. */
export interface TcpListenerOptions extends IpPort {
  readonly backlog: number;
  /** Several processes listen on the same port and share its connections (SO_REUSEPORT). */
  readonly reusePort: boolean;
}

function setInteger(fd: number, level: number, name: number, value: number, what: string): void {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  checked(libc.setsockopt(fd, level, name, bytes, 4), 'setsockopt', what);
}

/**
 * Makes a TCP client socket in the thread's current network namespace, not yet connected: hand its descriptor to
 * `new net.Socket({ fd, allowHalfOpen: true })` and connect that. Throws {@link SystemCallError}; the caller owns the fd.
 */
export function openTcpSocket(options: TcpSocketOptions): number {
  const family = familyOf(options.destination);
  const fd = checked(libc.socket(family, SOCK_STREAM_NONBLOCKING, 0), 'socket', 'a TCP client socket');
  try {
    setInteger(fd, SOL_SOCKET, SO_MARK, options.mark, 'SO_MARK');
    if (options.transparentSource !== undefined) bindTransparently(fd, family, options.transparentSource);
    return fd;
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}

function bindTransparently(fd: number, family: number, source: string): void {
  if (family === AF_INET) setInteger(fd, SOL_IP, IP_TRANSPARENT, 1, 'IP_TRANSPARENT');
  else setInteger(fd, SOL_IPV6, IPV6_TRANSPARENT, 1, 'IPV6_TRANSPARENT');
  const { first, last } = transparentPorts;
  for (let tries = 0; tries < transparentPortTries; tries++) {
    const port = first + Math.floor(Math.random() * (last - first + 1));
    const address = encodeSocketAddress({ address: source, port });
    if (libc.bind(fd, address, address.length) !== 0) continue;
    // After bind(), so that no two of ours share a port; from now on the pod's application may still listen on it.
    setInteger(fd, SOL_SOCKET, SO_REUSEADDR, 1, 'SO_REUSEADDR');
    return;
  }
  setInteger(fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, 1, 'IP_BIND_ADDRESS_NO_PORT');
  const address = encodeSocketAddress({ address: source, port: 0 });
  checked(libc.bind(fd, address, address.length), 'bind', `the client's address ${source}`);
}

/**
 * Makes a listening TCP socket in the thread's current network namespace: hand its descriptor to `server.listen({ fd })`.
 * The connections that it accepts inherit TCP_NODELAY from it, so that none needs a system call of its own for that.
 * Throws {@link SystemCallError} (`EADDRINUSE` where somebody has the port); the caller owns the fd.
 */
export function openTcpListener(options: TcpListenerOptions): number {
  const family = familyOf(options.address);
  const fd = checked(libc.socket(family, SOCK_STREAM_NONBLOCKING, 0), 'socket', 'a TCP listener');
  try {
    setInteger(fd, SOL_SOCKET, SO_REUSEADDR, 1, 'SO_REUSEADDR');
    if (options.reusePort) setInteger(fd, SOL_SOCKET, SO_REUSEPORT, 1, 'SO_REUSEPORT');
    setInteger(fd, SOL_TCP, TCP_NODELAY, 1, 'TCP_NODELAY');
    if (family === AF_INET6) setInteger(fd, SOL_IPV6, IPV6_V6ONLY, 1, 'IPV6_V6ONLY');
    const address = encodeSocketAddress(options);
    const place = `${options.address} port ${options.port}`;
    checked(libc.bind(fd, address, address.length), 'bind', place);
    checked(libc.listen(fd, options.backlog), 'listen', place);
    return fd;
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}

/**
 * Makes two Unix sockets that are joined to each other, for what must have a real socket at its end (TLS on a stream).
 * Throws {@link SystemCallError}; the caller owns both descriptors.
 */
export function openSocketPair(): readonly [number, number] {
  const pair = new Int32Array(2);
  checked(libc.socketpair(AF_UNIX, SOCK_STREAM_NONBLOCKING, 0, pair), 'socketpair', 'two joined sockets');
  return [pair[0] as number, pair[1] as number];
}

/** Closes a descriptor that was not handed to Node. */
export function closeSocket(fd: number): void {
  libc.close(fd);
}

/** What {@link originalDestination} is answered into: it is asked for each connection, and keeps nothing. */
const answered = { bytes: Buffer.alloc(28), length: new Uint32Array(1) };

/**
 * Where the client of a redirected, accepted connection wanted to go (SO_ORIGINAL_DST); undefined where the connection
 * was not redirected, or its conntrack entry is gone.
 */
export function originalDestination(fd: number, family: 4 | 6): IpPort | undefined {
  const { bytes, length } = answered;
  length[0] = bytes.length;
  const level = family === 4 ? SOL_IP : SOL_IPV6;
  if (libc.getsockopt(fd, level, SO_ORIGINAL_DST, bytes, length) < 0) return undefined;
  return decodeSocketAddress(bytes);
}

/** The cookie of the network namespace that a socket lives in: what an eBPF program sees of it. */
export function networkNamespaceCookie(fd: number): bigint {
  const bytes = Buffer.alloc(8);
  checked(libc.getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, bytes, Uint32Array.of(8)), 'getsockopt', 'SO_NETNS_COOKIE');
  return bytes.readBigUInt64LE();
}
