import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { SessionPersistence } from '@tulle/ir';
import { CompiledSession } from './session.ts';
import { SessionSigner } from './session-token.ts';
import { headerBlock } from './testing/head.ts';

const key = Buffer.alloc(32, 7);
const signer = new SessionSigner(key);
const cart1 = { service: 'shop/cart', port: 80, address: '10.1.0.1', endpointPort: 8080, workload: 'shop/cart-1' };
const nowMs = 1_800_000_000_000;
const always = { nowMs, absoluteTimeoutMs: undefined };

describe('session tokens', () => {
  const tag = signer.tagOf(cart1);
  const token = signer.issue('sid', tag, nowMs);

  it('say what they were made from, to whoever has the key', () => {
    const read = new SessionSigner(Buffer.from(key)).verify('sid', token, always);
    expect(read).toEqual({ tag, issuedAtSeconds: nowMs / 1000 });
  });

  it('do not show the endpoint', () => {
    const shown = token + Buffer.from(token, 'base64url').toString('latin1');
    for (const secret of ['10.1.0.1', 'cart', 'shop']) expect(shown).not.toContain(secret);
  });

  it('name each endpoint differently, another pod at the same address too', () => {
    const others = [
      { ...cart1, workload: 'shop/cart-2' },
      { ...cart1, workload: undefined },
      { ...cart1, address: '10.1.0.2' },
      { ...cart1, endpointPort: 8081 },
      { ...cart1, port: 81 },
      { ...cart1, service: 'shop/cart2' },
    ];
    expect(new Set([cart1, ...others].map((endpoint) => signer.tagOf(endpoint))).size).toBe(7);
  });

  it('are void with any bit changed, cut short or made longer', () => {
    const bytes = Buffer.from(token, 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(signer.verify('sid', changed.toString('base64url'), always)).toBeUndefined();
    }
    for (const other of [token.slice(1), token.slice(0, -1), `${token}A`, `${token}=`, '', ' '.repeat(44)]) {
      expect(signer.verify('sid', other, always)).toBeUndefined();
    }
  });

  it('are void under another name, and by another key', () => {
    expect(signer.verify('other', token, always)).toBeUndefined();
    expect(new SessionSigner(Buffer.alloc(32, 8)).verify('sid', token, always)).toBeUndefined();
    expect(() => new SessionSigner(Buffer.alloc(31))).toThrow(RangeError);
  });

  it('are remembered by the name that they were read under, and their time is looked at each time', () => {
    const own = new SessionSigner(key);
    expect(own.verify('sid', token, always)).toEqual({ tag, issuedAtSeconds: nowMs / 1000 });
    expect(own.verify('sid', token, always)).toEqual({ tag, issuedAtSeconds: nowMs / 1000 });
    expect(own.verify('si', `d${token}`, always)).toBeUndefined();
    expect(own.verify('other', token, always)).toBeUndefined();
    expect(own.verify('sid', token, { nowMs: nowMs + 1000, absoluteTimeoutMs: 1000 })).toBeUndefined();
  });

  it('are good also when more were read since than are remembered', () => {
    const own = new SessionSigner(key);
    const tokens = Array.from({ length: 10_000 }, (_, i) => own.issue('sid', tag, nowMs + i * 1000));
    const late = { nowMs: nowMs + 10_000_000, absoluteTimeoutMs: undefined };
    for (let round = 0; round < 2; round++)
      for (const [i, each] of tokens.entries())
        expect(own.verify('sid', each, late)?.issuedAtSeconds).toBe(nowMs / 1000 + i);
  });

  it('end when their time is over, and are not from the future', () => {
    const at = (ms: number, absoluteTimeoutMs?: number) =>
      signer.verify('sid', token, { nowMs: nowMs + ms, absoluteTimeoutMs }) !== undefined;
    expect([at(59_999, 60_000), at(60_000, 60_000), at(1e12)]).toEqual([true, false, true]);
    expect([at(-60_000), at(-61_000)]).toEqual([true, false]);
  });

  it('never throw, whatever they are read from', () => {
    fc.assert(fc.property(fc.string({ maxLength: 64 }), (text) => signer.verify('sid', text, always) === undefined));
  });
});

const cookie: SessionPersistence = { type: 'cookie', name: 'sid', path: '/shop', lifetime: 'session' };

describe('sessions in messages', () => {
  const session = new CompiledSession(cookie);
  it.each([
    [['Cookie', 'sid=abc']],
    [['cookie', 'a=b; sid=abc; sid=later']],
    [['Cookie', 'a=b;sid=abc ']],
    [['cookie', 'xsid=no; SID=no; sid =no; sid=abc']],
  ] as const)('finds the cookie in %j', (field) => {
    expect(session.tokenOf(headerBlock([['x', 'sid=no'], field]))).toBe('abc');
  });

  it('finds it among the crumbs of HTTP/2, and nothing where it is not', () => {
    expect(
      session.tokenOf(
        headerBlock([
          ['cookie', 'a=b'],
          ['cookie', 'sid=abc'],
        ]),
      ),
    ).toBe('abc');
    for (const value of ['', 'sid', 'asid=1', 'a=sid=1', ';;;', 'sidx=1']) {
      expect(session.tokenOf(headerBlock([['cookie', value]]))).toBeUndefined();
    }
    expect(session.tokenOf(headerBlock([]))).toBeUndefined();
  });

  it('sets a cookie for the browser session, or for a time', () => {
    expect(session.edits('t').append.toString()).toBe('Set-Cookie: sid=t; Path=/shop; HttpOnly; SameSite=Strict\r\n');
    const permanent = new CompiledSession({ ...cookie, lifetime: 'permanent', absoluteTimeoutMs: 90_500 });
    expect(permanent.edits('t').append.toString()).toBe(
      'Set-Cookie: sid=t; Path=/shop; Max-Age=90; HttpOnly; SameSite=Strict\r\n',
    );
  });

  it('reads and sets a header', () => {
    const header = new CompiledSession({ type: 'header', name: 'X-Seat', lifetime: 'session' });
    expect(header.tokenOf(headerBlock([['x-seat', 'abc']]))).toBe('abc');
    const edits = header.edits('t');
    expect(edits.append.toString()).toBe('X-Seat: t\r\n');
    expect(edits.drops(Buffer.from('x-seat'), 0, 6)).toBe(true);
  });
});
