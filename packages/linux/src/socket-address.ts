import { isIPv4, isIPv6 } from 'node:net';
import { CodedError } from '@tulle/core';

/** An IP address in text and a TCP port. */
export interface IpPort {
  readonly address: string;
  readonly port: number;
}

export const AF_INET = 2;
export const AF_INET6 = 10;

/** The address family's number of an IP address in text. */
export function familyOf(address: string): number {
  if (isIPv4(address)) return AF_INET;
  if (isIPv6(address)) return AF_INET6;
  throw new CodedError('bad-address', `"${address}" is no IP address`);
}

/** The kernel's `sockaddr_in` or `sockaddr_in6` for an address (RFC 3493). */
export function encodeSocketAddress({ address, port }: IpPort): Buffer {
  if (familyOf(address) === AF_INET) {
    const bytes = Buffer.alloc(16);
    bytes.writeUInt16LE(AF_INET, 0);
    bytes.writeUInt16BE(port, 2);
    address.split('.').forEach((part, index) => bytes.writeUInt8(Number(part), 4 + index));
    return bytes;
  }
  const bytes = Buffer.alloc(28);
  bytes.writeUInt16LE(AF_INET6, 0);
  bytes.writeUInt16BE(port, 2);
  parseIPv6(address).forEach((group, index) => bytes.writeUInt16BE(group, 8 + index * 2));
  return bytes;
}

/** The reverse of {@link encodeSocketAddress}; undefined for another family. */
export function decodeSocketAddress(bytes: Buffer): IpPort | undefined {
  const family = bytes.readUInt16LE(0);
  const port = bytes.readUInt16BE(2);
  if (family === AF_INET) return { address: `${bytes[4]}.${bytes[5]}.${bytes[6]}.${bytes[7]}`, port };
  if (family !== AF_INET6) return undefined;
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(8 + index * 2));
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return { address: `${bytes[20]}.${bytes[21]}.${bytes[22]}.${bytes[23]}`, port };
  }
  return { address: compressIPv6(groups), port };
}

function parseIPv6(address: string): number[] {
  const plain = address.split('%', 1)[0] as string;
  const [head = '', tail] = plain.split('::');
  const groups = (text: string): number[] => {
    if (text === '') return [];
    return text.split(':').flatMap((group) => {
      if (!group.includes('.')) return [Number.parseInt(group, 16)];
      const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number);
      return [(a << 8) | b, (c << 8) | d];
    });
  };
  const before = groups(head);
  if (tail === undefined) return before;
  const after = groups(tail);
  return [...before, ...Array.from<number>({ length: 8 - before.length - after.length }).fill(0), ...after];
}

/** The canonical text of an IPv6 address (RFC 5952): the longest run of zero groups is left out. */
function compressIPv6(groups: readonly number[]): string {
  let bestStart = -1;
  let bestLength = 1;
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length > bestLength) {
      bestStart = start;
      bestLength = length;
    }
  }
  const hex = (part: readonly number[]) => part.map((group) => group.toString(16)).join(':');
  if (bestStart < 0) return hex(groups);
  return `${hex(groups.slice(0, bestStart))}::${hex(groups.slice(bestStart + bestLength))}`;
}
