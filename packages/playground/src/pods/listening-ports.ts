/** The state of a socket in /proc/net/tcp that listens. */
const listening = '0A';

/**
 * The ports that accept connections from outside, from the text of a network namespace's `/proc/PID/net/tcp` or
 * `tcp6`. Sockets on loopback alone do not count: nobody outside the pod reaches them.
 *
 * Asking the kernel instead of connecting makes no connection that the application would see, and is not misled by an
 * agent that accepts in the application's place.
 */
export function listeningPorts(table: string): Set<number> {
  const ports = new Set<number>();
  for (const line of table.split('\n').slice(1)) {
    const [, local, , state] = line.trim().split(/\s+/);
    if (local === undefined || state !== listening) continue;
    const [address = '', port = ''] = local.split(':');
    if (!isLoopback(address)) ports.add(Number.parseInt(port, 16));
  }
  return ports;
}

/** Addresses are written as 32-bit words in the machine's byte order, which is little-endian wherever this runs. */
function isLoopback(address: string): boolean {
  if (address.length === 8) return address.endsWith('7F');
  return address === '00000000000000000000000001000000' || /^0{16}FFFF0000.{6}7F$/.test(address);
}
