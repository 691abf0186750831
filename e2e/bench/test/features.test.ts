import { describe, expect, it } from '@jest/globals';
import { features, referenceId } from '../features/catalogue.ts';
import { costsOf, orderOf, verdictOf } from '../features/costs.ts';
import type { FeatureSample } from '../model.ts';
import { featureSection, featureTables, sectionIn, withSection } from '../features/table.ts';
import { parseAnswers } from '../features/verify.ts';
import { estimate } from '../statistics.ts';

function sample(feature: string, run: number, at: number, micros: number, errors = 0): FeatureSample {
  return { feature, run, at, firstMicros: micros - 10, secondMicros: 10, requestsPerSecond: 1000, p99Ms: 1, errors };
}

const base = { id: 'base', group: 'G', title: 'nothing', against: undefined };
const row = { id: 'row', group: 'G', title: 'something', against: 'base', atMost: 1.1 };

/** Rounds of base, row, base, with what the row takes in each and how slow the machine is then. */
function rounds(micros: readonly number[], slow: (run: number) => number = () => 1, errors = 0): FeatureSample[] {
  return micros.flatMap((each, run) => [
    sample('base', run, 0, 20 * slow(run)),
    sample('row', run, 1, each * slow(run), errors),
    sample('base', run, 2, 20 * slow(run)),
  ]);
}

const costOfRow = (samples: readonly FeatureSample[]) => costsOf([base, row], samples)[1];

describe('costsOf', () => {
  it('compares within a round, so that a slow round counts no more than another', () => {
    const cost = costOfRow(rounds([25, 25, 25, 25, 25], (run) => 2 ** run));
    expect(cost?.ratio).toMatchObject({ median: 1.25, low: 1.25, high: 1.25 });
    expect(cost).toMatchObject({ verdict: 'costs', holds: false });
  });

  it('takes the mean of the references before and after, so that a drift inside of a round counts little', () => {
    const samples = [
      sample('base', 1, 0, 20),
      sample('row', 1, 1, 30),
      sample('base', 1, 2, 40),
      sample('base', 1, 3, 99),
    ];
    expect(costOfRow(samples)?.added?.median).toBe(0);
  });

  it('compares what is measured often with what is measured once a round', () => {
    const often = { ...base, against: 'row' };
    const samples = [...rounds([10, 10, 10, 10, 10]), sample('base', 0, 9, 1000)];
    expect(costsOf([often], samples)[0]?.ratio).toMatchObject({ median: 2, count: 5 });
  });

  it('says what cannot be told', () => {
    expect(costOfRow(rounds([20, 20]))).toMatchObject({ verdict: 'too few rounds', holds: null });
    expect(costOfRow(rounds([10, 19, 20, 21, 30]))).toMatchObject({ verdict: 'inconclusive', holds: null });
    expect(costOfRow(rounds([20.5, 19.8, 20, 20.2, 19.9]))).toMatchObject({
      verdict: 'nothing measurable',
      holds: true,
    });
  });

  it('lets no limit hold for requests that fail', () => {
    expect(costOfRow(rounds([20, 20, 20, 20, 20], () => 1, 1))).toMatchObject({ holds: false, errors: 5 });
  });

  it('leaves out what was not measured, and compares with nothing that is not there', () => {
    const costs = costsOf([base, row], [sample('row', 1, 0, 20)]);
    expect(costs).toHaveLength(1);
    expect(costs[0]?.ratio).toBeUndefined();
    expect(costs[0]?.holds).toBeUndefined();
  });
});

describe('verdictOf', () => {
  it.each([
    [[1.2, 1.2, 1.2, 1.2, 1.2], 'costs'],
    [[0.8, 0.8, 0.8, 0.8, 0.8], 'saves'],
    [[0.96, 1, 1, 1, 1.04], 'nothing measurable'],
    [[0.96, 1, 1, 1, 1.06], 'inconclusive'],
    [[1, 1, 1], 'too few rounds'],
  ])('%j: %s', (ratios, verdict) => {
    expect(verdictOf(estimate(ratios))).toBe(verdict);
  });
});

describe('orderOf', () => {
  it('has the reference before every few rows and at the end', () => {
    expect(orderOf(['r', 'a', 'b', 'c'], 'r', 2)).toEqual(['r', 'a', 'b', 'r', 'c', 'r']);
    expect(orderOf(['a', 'b'], 'r', 2)).toEqual(['a', 'b']);
  });
});

describe('the table of features', () => {
  const machine = {
    cpu: 'x',
    cores: 2,
    memoryMiB: 1024,
    kernel: '6',
    versions: {},
    startedAt: 't',
    rounds: 5,
    seconds: 1,
    foreignCpuShare: 0,
  };

  it('has a line a row with its verdict', () => {
    const text = featureTables([base, row], rounds([25, 25, 25, 25, 25]));
    expect(text).toMatch(
      /^\| `row`: something +\| +25\.0 \|.*1\.25 \(1\.25–1\.25\).*costs; at most 1\.1: does not hold \|$/m,
    );
  });

  it('replaces its section of a page, and nothing else, again and again', () => {
    const samples = rounds([25]);
    const section = featureSection([base, row], { machine, samples, costs: [] });
    const once = withSection('# Page\n\ntext\n', section);
    expect(once.startsWith('# Page\n\ntext\n\n')).toBe(true);
    expect(sectionIn(once)).toBe(section);
    expect(withSection(once, section)).toBe(once);
    expect(sectionIn('# Page\n')).toBeUndefined();
    const between = `a\n${section}b\n`;
    expect(
      withSection(
        between,
        section.replace('Tulle alone', () => "$& $' Tulle"),
      ),
    ).toContain("$& $' Tulle");
  });
});

describe('the rows', () => {
  it('have names of their own, and are compared with rows that exist', () => {
    const ids = features.map((feature) => feature.id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toContain(referenceId);
    for (const { against } of features) if (against !== undefined) expect(ids).toContain(against);
  });

  it('have as many rules as they say, in routes that the API allows, in their order', () => {
    const many = features.find((feature) => feature.id === '500-paths-last')?.objects ?? [];
    const specs = many.map((each) => each['spec'] as { rules: { matches: { path: { value: string } }[] }[] });
    expect(specs.every(({ rules }) => rules.length <= 16)).toBe(true);
    const paths = specs.flatMap(({ rules }) => rules.map((each) => each.matches[0]?.path.value));
    expect(new Set(paths).size).toBe(500);
    expect(paths.at(-1)).toBe('/items/1499');
    const names = many.map((each) => (each['metadata'] as { name: string }).name);
    expect([...names].sort()).toEqual(names);
  });
});

describe('parseAnswers', () => {
  it('reads several answers of one connection', () => {
    const text = 'HTTP/1.1 200 OK\r\nX-A: 1\r\n\r\nbody\nHTTP/1.1 302 Found\r\nlocation: https://a/\r\n\r\n';
    const [first, second] = parseAnswers(text);
    expect(first).toMatchObject({ status: 200, body: 'body\n' });
    expect(first?.headers.get('x-a')).toBe('1');
    expect(second).toMatchObject({ status: 302, body: '' });
    expect(second?.headers.get('location')).toBe('https://a/');
  });
});
