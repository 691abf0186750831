import { describe, expect, it } from '@jest/globals';
import { selects } from './label-selector.ts';

describe('selects', () => {
  it.each([
    ['In', ['a', 'b'], { x: 'a' }, true],
    ['In', ['a'], {}, false],
    ['NotIn', ['a'], {}, true],
    ['NotIn', ['a'], { x: 'a' }, false],
    ['Exists', [], { x: '' }, true],
    ['DoesNotExist', [], { x: '' }, false],
  ] as const)('%s %j of %j is %j', (operator, values, labels, wanted) => {
    expect(selects({ matchExpressions: [{ key: 'x', operator, values }] }, labels)).toBe(wanted);
  });

  it('needs every part', () => {
    const selector = { matchLabels: { a: '1' }, matchExpressions: [{ key: 'b', operator: 'Exists' }] } as const;
    expect(selects(selector, { a: '1' })).toBe(false);
    expect(selects(selector, { a: '1', b: '' })).toBe(true);
  });

  it('takes no name of every object for a label', () => {
    expect(selects({ matchExpressions: [{ key: 'constructor', operator: 'Exists' }] }, {})).toBe(false);
  });
});
