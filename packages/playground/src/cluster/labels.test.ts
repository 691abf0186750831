import { describe, expect, it } from '@jest/globals';
import { selects, wantsMesh } from './labels.ts';

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
});

describe('wantsMesh', () => {
  const label = (value: string) => ({ 'tulle.dev/mesh': value });

  it("lets the pod's own label have the last word", () => {
    expect(wantsMesh({}, {})).toBe(false);
    expect(wantsMesh({}, label('enabled'))).toBe(true);
    expect(wantsMesh(label('disabled'), label('enabled'))).toBe(false);
    expect(wantsMesh(label('enabled'), {})).toBe(true);
  });
});
