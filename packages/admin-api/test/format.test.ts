import { describe, expect, it } from '@jest/globals';
import { formatDuration, formatShare, plural } from '../src/index.ts';

describe('formatDuration', () => {
  it.each([
    [0, '0 ms'],
    [31.4, '31 ms'],
    [999.7, '1 s'],
    [2100, '2.1 s'],
    [59_000, '59 s'],
    [300_000, '5 min'],
    [7_200_000, '2 h'],
    [12 * 86_400_000, '12 d'],
    [9.9 * 365.25 * 86_400_000, '9 y'],
    [-2100, '-2.1 s'],
  ])('%d ms is %s', (durationMs, text) => expect(formatDuration(durationMs)).toBe(text));
});

it('formatShare has at most one digit behind the point', () => {
  expect([0.9, 1 / 3, 1, 0].map(formatShare)).toEqual(['90 %', '33.3 %', '100 %', '0 %']);
});

it('plural', () => expect([0, 1, 2].map((count) => plural(count, 'pod'))).toEqual(['0 pods', '1 pod', '2 pods']));
