import { filterFeatures } from './catalogue-filters.ts';
import { behaviours } from './catalogue-behaviour.ts';
import { answers, feature, refused } from './feature.ts';
import type { Feature } from './model.ts';
import { matching, originPorts, routes, rule } from './routes.ts';
import { everyFilter } from './filters.ts';

/** The row that most others are compared with. */
export const referenceId = 'one-rule';

const own = answers(
  (body) => body.startsWith(`${originPorts.own} `),
  'a Service without a route leads to its own pods',
);

const baselines: readonly Feature[] = [
  { ...feature('service', 'Baselines', 'a Service without a route', []), against: undefined, check: own },
  { ...feature(referenceId, 'Baselines', 'a route of one rule', [rule()]), against: 'service' },
  {
    ...feature('unused-features', 'Baselines', 'fifteen other rules, which have every filter and no request matches', [
      rule(),
      ...Array.from({ length: 15 }, (_, index) => everyFilter(`/unused/${index}`)),
    ]),
    atMost: 1.05,
  },
];

function match(id: string, title: string, match: object, path: string, other: string): Feature {
  const made = feature(id, 'Matches', title, [matching(match)], { path });
  return { ...made, check: refused(made.check, { path: other }) };
}

const header = (type: string, value: string) => ({ headers: [{ type, name: 'x-tenant', value }] });

function headerMatch(id: string, title: string, type: string, value: string): Feature {
  const request = { path: '/', headers: { 'x-tenant': 'blue-7' } };
  const made = feature(id, 'Matches', title, [matching(header(type, value))], request);
  return { ...made, check: refused(made.check, { path: '/', headers: { 'x-tenant': 'green-7' } }) };
}

const query = (type: string, value: string) => ({ queryParams: [{ type, name: 'tenant', value }] });

const matches: readonly Feature[] = [
  match('path-exact', 'an exact path', { path: { type: 'Exact', value: '/shop/cart' } }, '/shop/cart', '/shop/car'),
  match('path-prefix', 'a prefix', { path: { type: 'PathPrefix', value: '/shop' } }, '/shop/cart', '/shopping'),
  match(
    'path-regex',
    'a regular expression',
    { path: { type: 'RegularExpression', value: '/v[0-9]+/carts/[a-z]+' } },
    '/v1/carts/abc',
    '/v1/carts/7',
  ),
  headerMatch('header-exact', "a header's value", 'Exact', 'blue-7'),
  headerMatch('header-regex', 'a header by a regular expression', 'RegularExpression', 'blue-[0-9]+'),
  match('query-exact', "a query parameter's value", query('Exact', 'blue-7'), '/?tenant=blue-7', '/?tenant=blue'),
  match(
    'query-regex',
    'a query parameter by a regular expression',
    query('RegularExpression', 'blue-[0-9]+'),
    '/?tenant=blue-7',
    '/?tenant=green-7',
  ),
];

/** A way in which the rules of a Service differ: a match by its number, and a request that it is for. */
interface RuleKind {
  readonly id: string;
  readonly title: string;
  readonly match: (number: number) => object;
  readonly request: (number: number) => {
    readonly path: string;
    readonly headers?: { readonly [name: string]: string };
  };
}

const kinds: readonly RuleKind[] = [
  {
    id: 'paths',
    title: 'exact paths',
    match: (number) => ({ path: { type: 'Exact', value: `/items/${number}` } }),
    request: (number) => ({ path: `/items/${number}` }),
  },
  {
    id: 'prefixes',
    title: 'prefixes',
    match: (number) => ({ path: { type: 'PathPrefix', value: `/items/${number}` } }),
    request: (number) => ({ path: `/items/${number}/place` }),
  },
  {
    id: 'headers',
    title: 'values of one header',
    match: (number) => header('Exact', `tenant-${number}`),
    request: (number) => ({ path: '/', headers: { 'x-tenant': `tenant-${number}` } }),
  },
  {
    id: 'header-names',
    title: 'headers of different names',
    match: (number) => ({ headers: [{ name: `x-flag-${number}`, value: 'on' }] }),
    request: (number) => ({ path: '/', headers: { [`x-flag-${number}`]: 'on' } }),
  },
  {
    id: 'queries',
    title: 'values of one query parameter',
    match: (number) => query('Exact', `t${number}`),
    request: (number) => ({ path: `/?tenant=t${number}` }),
  },
  {
    id: 'regexes',
    title: 'regular expressions for the path',
    match: (number) => ({ path: { type: 'RegularExpression', value: `/v[0-9]+/items-${number}/[a-z]+` } }),
    request: (number) => ({ path: `/v1/items-${number}/abc` }),
  },
];

const [few, many] = [5, 500];
const firstNumber = 1000;
/** How much more a request may cost for many rules. */
const ruleLimit = 1.1;

/** Rows of one kind: few rules, many of which the first matches, and many of which the last does. */
function ruleCounts(kind: RuleKind): Feature[] {
  const rules = (count: number) =>
    Array.from({ length: count }, (_, index) => matching(kind.match(firstNumber + index)));
  const row = (count: number, which: 'first' | 'last'): Feature => {
    const wanted = firstNumber + (which === 'first' ? 0 : count - 1);
    const title = `${count} rules of ${kind.title}, the ${which} matches`;
    const id = `${count}-${kind.id}-${which}`;
    const made = feature(id, 'Numbers of rules', title, [], kind.request(wanted));
    const service = `f-${count}-${kind.id}`;
    // The first row of a Service brings its routes.
    const objects = which === 'last' ? routes(service, rules(count)) : [];
    const checked = { ...made, service, objects, check: refused(made.check, kind.request(firstNumber + count)) };
    return count === few ? checked : { ...checked, against: `${few}-${kind.id}-last`, atMost: ruleLimit };
  };
  return [row(few, 'last'), row(many, 'last'), row(many, 'first')];
}

/** Every row, in the order of the table. */
export const features: readonly Feature[] = [
  ...baselines,
  ...matches,
  ...kinds.flatMap(ruleCounts),
  ...filterFeatures,
  ...behaviours,
];
