import { isIPv6 } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeSocketAddress, encodeSocketAddress } from './socket-address.ts';

describe('socket addresses', () => {
  it.each([
    ['10.96.3.7', '02000050 0a600307 00000000 00000000'],
    ['::1', '0a000050 00000000 00000000 00000000 00000000 00000001 00000000'],
    ['2001:db8::7', '0a000050 00000000 20010db8 00000000 00000000 00000007 00000000'],
  ])('have the form of the kernel: %s', (address, bytes) => {
    expect(encodeSocketAddress({ address, port: 80 }).toString('hex')).toBe(bytes.replaceAll(' ', ''));
    expect(decodeSocketAddress(encodeSocketAddress({ address, port: 80 }))).toEqual({ address, port: 80 });
  });

  it('of every kind come back as they went in', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), fc.integer({ min: 0, max: 65_535 }), (address, port) => {
        const back = decodeSocketAddress(encodeSocketAddress({ address, port }));
        expect(back?.port).toBe(port);
        const again = encodeSocketAddress(back ?? { address: '0.0.0.0', port: 0 });
        const isMapped = isIPv6(address) && back?.address.includes('.') === true;
        if (!isMapped) expect(again).toEqual(encodeSocketAddress({ address, port }));
      }),
    );
  });

  it('refuse what is no address', () => {
    expect(() => encodeSocketAddress({ address: 'cart', port: 80 })).toThrow('"cart" is no IP address');
  });
});
