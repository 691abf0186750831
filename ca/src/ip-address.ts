import { isIP, SocketAddress } from 'node:net';
import { CodedError } from '@tulle/core';

/** The bytes of an IP address, 4 or 16. Throws a {@link CodedError} `invalid-ip-address`. */
export function parseIpAddress(text: string): Buffer {
  const family = isIP(text);
  if (family === 4) return Buffer.from(text.split('.').map(Number));
  if (family !== 6 || text.includes('%')) {
    throw new CodedError('invalid-ip-address', `${JSON.stringify(text)} is no IP address`);
  }
  const canonical = new SocketAddress({ address: text, family: 'ipv6' }).address;
  // An embedded IPv4 address (::ffff:1.2.3.4) counts as the last two groups.
  const plain = canonical.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_all, a: string, b: string, c: string, d: string) => {
    const group = (high: string, low: string) => (Number(high) * 256 + Number(low)).toString(16);
    return `${group(a, b)}:${group(c, d)}`;
  });
  const [left = '', right] = plain.split('::');
  const head = left === '' ? [] : left.split(':');
  const tail = right === undefined || right === '' ? [] : right.split(':');
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => '0');
  const bytes = Buffer.alloc(16);
  for (const [index, group] of [...head, ...zeros, ...tail].entries())
    bytes.writeUInt16BE(Number.parseInt(group, 16), index * 2);
  return bytes;
}
