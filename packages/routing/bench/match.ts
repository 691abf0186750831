// What matching a request costs, by the number of rules: `node packages/routing/bench/match.ts`.
import type { HttpMatch } from '@tulle/ir';
import { compileHttpRoutes } from '../src/index.ts';
import { requestHead } from '../src/testing/head.ts';
import { httpMatch, tableOf } from '../src/testing/tables.ts';

const headers: [string, string][] = [
  ['User-Agent', 'bench/1.0'],
  ['Accept', '*/*'],
  ['X-Request-Id', '0123456789abcdef'],
  ['X-User', 'user-250'],
];

const shapes: Record<string, (count: number) => { matches: HttpMatch[]; target: string }> = {
  'exact paths': (count) => ({
    matches: Array.from({ length: count }, (_, i) => httpMatch(`=/api/v1/items/${i}`)),
    target: `/api/v1/items/${count >> 1}`,
  }),
  prefixes: (count) => ({
    matches: Array.from({ length: count }, (_, i) => httpMatch(`/api/v1/items-${i}`)),
    target: `/api/v1/items-${count >> 1}/detail?full=1`,
  }),
  'one header, other values': (count) => ({
    matches: Array.from({ length: count }, (_, i) =>
      httpMatch('/', {
        headers: [{ name: 'x-user', match: { type: 'exact', value: `user-${i + (count < 250 ? 248 : 0)}` } }],
      }),
    ),
    target: '/api/v1/items',
  }),
  'regular expressions': (count) => ({
    matches: Array.from({ length: count }, (_, i) => httpMatch(`~/api/v[0-9]+/items-${i}`)),
    target: `/api/v1/items-${count >> 1}`,
  }),
  'no match': (count) => ({
    matches: Array.from({ length: count }, (_, i) => httpMatch(`/api/v1/items-${i}`)),
    target: '/other/path/of/some/length',
  }),
};

for (const [shape, make] of Object.entries(shapes)) {
  for (const count of [5, 500]) {
    const { matches, target } = make(count);
    const routes = compileHttpRoutes(tableOf(matches), 'http');
    const head = requestHead(target, { headers });
    const rounds = shape === 'regular expressions' && count > 100 ? 2_000 : 1_000_000;
    let hits = 0;
    for (let i = 0; i < rounds / 10; i++) if (routes.match(head) !== undefined) hits++;
    const start = process.hrtime.bigint();
    for (let i = 0; i < rounds; i++) if (routes.match(head) !== undefined) hits++;
    const nanoseconds = Number(process.hrtime.bigint() - start) / rounds;
    process.stdout.write(
      `${shape.padEnd(26)} ${String(count).padStart(4)} rules  ${nanoseconds.toFixed(0).padStart(8)} ns a request` +
        `  ${hits === 0 ? '(none)' : '(hit)'}\n`,
    );
  }
}
