import { describe, expect, it } from '@jest/globals';
import { Semaphore } from './semaphore.ts';

describe('Semaphore', () => {
  it('runs no more at a time than it has places, in order, also after one failed', async () => {
    const semaphore = new Semaphore(2);
    const order: number[] = [];
    let running = 0;
    let most = 0;
    const all = [0, 1, 2, 3, 4, 5].map((number) =>
      semaphore.run(async () => {
        order.push(number);
        most = Math.max(most, ++running);
        await new Promise((resolve) => setImmediate(resolve));
        running--;
        if (number === 1) throw new Error('one');
        return number;
      }),
    );
    const results = await Promise.allSettled(all);
    expect(results.map((each) => each.status)).toEqual([
      'fulfilled',
      'rejected',
      ...Array.from({ length: 4 }, () => 'fulfilled'),
    ]);
    expect(order).toEqual([0, 1, 2, 3, 4, 5]);
    expect(most).toBe(2);
  });
});
