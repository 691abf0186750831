import { describe, expect, it } from '@jest/globals';
import { comparison, resultOf, totalOf } from '../report.ts';

const statistics = (passed: number, failed = 0) => ({ statistics: { Passed: passed, Failed: failed, Skipped: 0 } });

describe('the comparison of conformance reports', () => {
  it('counts tests of mesh profiles alone and names what failed', () => {
    const result = resultOf(
      {
        gatewayAPIVersion: 'v1.7.0',
        profiles: [
          { name: 'MESH-HTTP', core: { ...statistics(6, 1), failedTests: ['MeshSplit'] }, extended: statistics(7) },
          { name: 'GATEWAY-HTTP', core: statistics(33) },
        ],
      },
      'Tulle',
    );
    expect(totalOf(result)).toEqual({ passed: 13, failed: 1 });
    expect(result.failedTests).toEqual(['MeshSplit']);
  });

  it('shows who has which feature and which profile nobody claims', () => {
    const ours = resultOf(
      { profiles: [{ name: 'MESH-HTTP', extended: { ...statistics(2), supportedFeatures: ['MeshA', 'MeshB'] } }] },
      'Tulle',
    );
    const other = resultOf(
      { profiles: [{ name: 'MESH-HTTP', extended: { ...statistics(1), supportedFeatures: ['MeshA'] } }] },
      'Other',
    );
    const lines = comparison([ours, other], ['MeshA', 'MeshB']).split('\n');
    expect(lines[1]).toMatch(/^Tulle +\? +- +2 of 2 +not claimed +2 of 2$/);
    expect(lines[2]).toMatch(/^Other +\? +- +1 of 1 +not claimed +1 of 2$/);
    expect(lines.at(-1)).toMatch(/^MeshB +yes +-$/);
  });
});
