import { describe, expect, it } from '@jest/globals';
import { wantsMesh } from './labels.ts';

describe('wantsMesh', () => {
  const label = (value: string) => ({ 'tulle.dev/mesh': value });

  it("lets the pod's own label have the last word", () => {
    expect(wantsMesh({}, {})).toBe(false);
    expect(wantsMesh({}, label('enabled'))).toBe(true);
    expect(wantsMesh(label('disabled'), label('enabled'))).toBe(false);
    expect(wantsMesh(label('enabled'), {})).toBe(true);
  });
});
