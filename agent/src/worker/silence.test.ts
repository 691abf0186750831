import { describe, expect, it } from '@jest/globals';
import { serverPatience, Silence } from './silence.ts';

describe('Silence', () => {
  it('asks once, after 20 s, and takes for gone who says nothing for 40 s', () => {
    const silence = new Silence(serverPatience, 1_000);
    const judged = [11_000, 20_999, 21_000, 31_000, 40_999, 41_000].map((nowMs) => silence.judge(nowMs));
    expect(judged).toEqual(['there', 'there', 'ask', 'there', 'there', 'gone']);
  });

  it('begins anew with whatever is heard', () => {
    const silence = new Silence(serverPatience, 0);
    expect(silence.judge(20_000)).toBe('ask');
    silence.heard(39_000);
    expect([58_999, 59_000, 79_000].map((nowMs) => silence.judge(nowMs))).toEqual(['there', 'ask', 'gone']);
  });

  it('asks before it takes anybody for gone, however late it is asked itself', () => {
    const silence = new Silence(serverPatience, 0);
    expect(silence.judge(100_000)).toBe('ask');
    silence.heard(100_010);
    expect(silence.judge(110_000)).toBe('there');
  });
});
