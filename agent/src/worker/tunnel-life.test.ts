import { describe, expect, it } from '@jest/globals';
import { clientMargin, serverMargin, TunnelLife } from './tunnel-life.ts';

const hourMs = 3_600_000;

describe('the life of a tunnel', () => {
  it('takes no streams in the last minute before the first of the certificates ends, and is over before that end', () => {
    const life = new TunnelLife([2 * hourMs, hourMs], clientMargin, 0);
    const seen = [0, hourMs - 60_001, hourMs - 60_000, hourMs - 1_001, hourMs - 1_000, hourMs].map((at) =>
      life.phase(at),
    );
    expect(seen).toEqual(['fresh', 'fresh', 'retiring', 'retiring', 'over', 'over']);
    expect(life.nextInMs(0)).toBe(hourMs - 60_000);
    expect(life.nextInMs(hourMs - 60_000)).toBe(59_000);
    expect(life.nextInMs(hourMs)).toBe(Number.POSITIVE_INFINITY);
  });

  it('of short certificates keeps most of the time for streams', () => {
    const life = new TunnelLife([60_000], clientMargin, 20_000);
    expect(life.phase(49_999)).toBe('fresh');
    expect(life.phase(50_000)).toBe('retiring');
  });

  it.each([86_400_000, 60_000, 20_000, 5_000, 1_000, 0])('the client goes first, with %d ms left', (left) => {
    const now = 1_000_000;
    const client = new TunnelLife([now + left], clientMargin, now).nextInMs(now);
    const server = new TunnelLife([now + left], serverMargin, now).nextInMs(now);
    expect(client <= server || client === Number.POSITIVE_INFINITY).toBe(true);
  });
});
