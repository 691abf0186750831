import type { Answer, Expectation, FieldExpectation } from './model.ts';

/** What is not as it must be in an answer, a sentence each. */
export function differences(answer: Answer, expected: Expectation): string[] {
  const found: string[] = [];
  const same = (what: string, actual: unknown, wanted: unknown) => {
    if (wanted !== undefined && actual !== wanted) found.push(`${what} is ${show(actual)}, not ${show(wanted)}`);
  };
  if (expected.fails === true) {
    if (answer.error === undefined) found.push(`the connection was answered: ${show(answer.lines)}`);
    return found;
  }
  if (answer.error !== undefined) return [`the answer is an error: ${answer.error}`];
  const reason = answer.headers?.['tulle-reason'];
  same(reason === undefined ? 'status' : `status (${String(reason)})`, answer.status, expected.status);
  same('version', answer.headers?.['x-version'], expected.version);
  same('tulle-reason', answer.headers?.['tulle-reason'], expected.reason);
  same('gRPC status', answer.grpcStatus, expected.grpcStatus);
  same('line', answer.lines?.[0], expected.line);
  fields('response header', answer.headers, expected.headers, found);
  const { seen } = expected;
  same('method at the server', answer.body?.method, seen?.method);
  same('URL at the server', answer.body?.url, seen?.url);
  same('body at the server', answer.body?.body, seen?.body);
  same('bytes at the server', answer.body?.bytes, seen?.bytes);
  if (seen?.sni !== undefined) same('server name at the server', answer.body?.sni ?? null, seen.sni);
  same('server name', answer.body?.sni, expected.sni);
  if (answer.isSuites === false) found.push('the certificate is not that of the server');
  fields('header at the server', answer.body?.headers, seen?.headers, found);
  const kinds = Object.keys(answer.shares);
  if (expected.onlyOne === true && kinds.length !== 1) found.push(`the answers are not one: ${kinds.join(', ')}`);
  const { counted, shares, within = 0, atLeastMs = 0, atMostMs = Infinity } = expected;
  if (counted !== undefined) {
    const [least, most] = typeof counted === 'number' ? [counted, counted] : counted;
    const actual = answer.body?.counted ?? -1;
    if (actual < least || actual > most) found.push(`${actual} requests came, not ${least} to ${most}`);
  }
  for (const name of new Set(shares === undefined ? [] : [...Object.keys(shares), ...Object.keys(answer.shares)])) {
    const [actual, wanted] = [answer.shares[name] ?? 0, shares?.[name] ?? 0];
    if (Math.abs(actual - wanted) > (wanted === 0 ? 0 : within))
      found.push(`${name} came ${actual} times, not ${wanted}`);
  }
  const tookMs = answer.tookMs ?? 0;
  if (tookMs < atLeastMs || tookMs > atMostMs) found.push(`it took ${Math.round(tookMs)} ms`);
  return found;
}

function fields(
  what: string,
  actual: Readonly<Record<string, string | readonly string[]>> | undefined,
  expected: Readonly<Record<string, FieldExpectation>> | undefined,
  found: string[],
): void {
  for (const [name, wanted] of Object.entries(expected ?? {})) {
    const value = actual?.[name];
    const text = value === undefined || typeof value === 'string' ? value : value.join(', ');
    const isRight =
      wanted === null ? text === undefined : typeof wanted === 'string' ? text === wanted : wanted.test(text ?? '');
    if (!isRight) found.push(`${what} ${name} is ${show(text)}, not ${wanted === null ? 'absent' : String(wanted)}`);
  }
}

function show(value: unknown): string {
  return value === undefined ? 'absent' : JSON.stringify(value);
}
