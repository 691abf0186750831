import { describe, expect, it } from '@jest/globals';
import type { Row } from '../model.ts';
import { shortTable, withTable } from '../report/readme.ts';

function row(peer: Row['peer'], cpu: number): Row {
  return {
    case: 'http1-c32',
    peer,
    run: 1,
    cpuMicrosPerRequest: { first: cpu, second: 1, machine: null },
    requestsPerSecond: null,
    p50Ms: null,
    p99Ms: null,
    p999Ms: null,
    rssMiB: null,
    gigabits: null,
    errors: 0,
  };
}

describe('the table of the README', () => {
  it('has the cases that were measured', () => {
    const lines = shortTable([row('tulle', 20), row('envoy', 80)]).split('\n');
    expect(lines).toHaveLength(3);
    expect(lines[2]).toBe('| HTTP/1.1, 32 connections, across nodes | 21 µs | 81 µs | – | – |');
  });

  it('goes between the marks and nowhere else, again and again', () => {
    const readme = 'a\n<!-- benchmark -->\nold\n<!-- /benchmark -->\nb\n';
    const once = withTable(readme, 'T');
    expect(once).toBe('a\n<!-- benchmark -->\n\nT\n\n<!-- /benchmark -->\nb\n');
    expect(withTable(once, 'T')).toBe(once);
    expect(withTable('no marks', 'T')).toBe('no marks');
  });
});
