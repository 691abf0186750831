/** An address and a port of the application's. */
export interface Destination {
  readonly address: string;
  readonly port: number;
}

/** A destination, and how long TCP may take to reach it; without `timeoutMs` the kernel decides. */
export interface TimedDestination extends Destination {
  readonly timeoutMs?: number;
}

/** An address as sockets of both families show it, without the IPv6 form that an IPv4 address takes on a dual socket. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}

/** `address:port`, as an HBONE authority and as a key: IPv6 addresses in brackets. */
export function hostPort(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
