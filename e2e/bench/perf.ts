import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { run, runOrThrow } from './programs.ts';

/** Samples a second; not a round number, so that it does not beat with anything periodic. */
const frequency = 2999;

/** Where a sample was taken: a kind of code, and the function in it. */
export interface Place {
  readonly kind: string;
  readonly symbol: string;
}

/** What was sampled: how often each place, and the CPU time of all samples together. */
export interface Samples {
  readonly counts: ReadonlyMap<string, Place & { readonly count: number }>;
  readonly busySeconds: number;
}

/** Whether perf is installed and may sample. */
export async function hasPerf(): Promise<boolean> {
  try {
    const argv = ['stat', '-e', 'cpu-clock', 'true'];
    return (await run('perf', argv, { timeoutMs: 10_000 })).status === 0;
  } catch {
    return false;
  }
}

/** Samples processes for so long. */
export async function recordPerf(pids: readonly number[], seconds: number, directory: string): Promise<Samples> {
  const data = join(directory, `perf-${process.pid}.data`);
  const record = ['record', '-q', '-e', 'cpu-clock', '-F', `${frequency}`, '-p', pids.join(','), '-o', data];
  try {
    await runOrThrow('perf', [...record, '--', 'sleep', `${seconds}`], { timeoutMs: seconds * 1000 + 20_000 });
    const script = ['script', '-i', data, '-F', 'ip,sym,dso'];
    return parsePerfScript(await runOrThrow('perf', script, { timeoutMs: 60_000 }));
  } finally {
    rmSync(data, { force: true });
  }
}

/** Reads the lines of `perf script -F ip,sym,dso`: `ADDRESS SYMBOL (OBJECT)`. */
export function parsePerfScript(text: string): Samples {
  const counts = new Map<string, Place & { count: number }>();
  let total = 0;
  for (const line of text.split('\n')) {
    const [, symbol, object] = /^\s*[0-9a-f]+ (.*) \((.*)\)$/.exec(line) ?? [];
    if (symbol === undefined || object === undefined) continue;
    total++;
    const kind = kindOf(symbol, object);
    const key = `${kind} ${symbol}`;
    const known = counts.get(key);
    if (known === undefined) counts.set(key, { kind, symbol: shortSymbol(symbol), count: 1 });
    else known.count++;
  }
  return { counts, busySeconds: total / frequency };
}

const collector =
  /Mark|Sweep|Scaveng|Evacuat|GarbageCollect|Heap::|HeapObject|Worklist|Compact|PagedSpace|FreeList|Visitor|MemoryChunk|RememberedSet|SlotSet/;
const cryptography =
  /^(aes|gcm|ssl|tls|evp|crypto|bio|ossl|ctr|async_|err_|openssl|_?aesni|gf128|ghash|state_machine|hmac|sha|ec_|ecp_|bn_)/i;

function kindOf(symbol: string, object: string): string {
  if (object.includes('kernel')) return 'kernel';
  if (/perf-\d+\.map$/.test(object)) return symbol.includes('file://') ? 'our JavaScript' : "Node's JavaScript";
  if (!object.endsWith('/node')) return object.split('/').at(-1) ?? object;
  if (symbol.startsWith('Builtins_')) return 'V8 builtins';
  if (symbol.startsWith('v8::')) return collector.test(symbol) ? 'V8 garbage collector' : 'V8';
  if (symbol.includes('v8::internal') && collector.test(symbol)) return 'V8 garbage collector';
  if (symbol.startsWith('uv_')) return 'libuv';
  if (symbol.startsWith('node::')) return "Node's C++";
  return cryptography.test(symbol) ? 'OpenSSL' : 'Node, other';
}

function shortSymbol(symbol: string): string {
  return symbol
    .replace(/file:\/\/\S*\/(packages|agent)\//, '$1/')
    .replaceAll('v8::internal::', '')
    .slice(0, 110);
}

/** Shares and microseconds a request: by kind of code, then of the functions that took most outside the kernel. */
export function groupSamples(counts: Samples['counts'], microsPerRequest: number, top: number): string {
  const places = [...counts.values()].sort((a, b) => b.count - a.count);
  const total = places.reduce((sum, each) => sum + each.count, 0);
  const kinds = new Map<string, number>();
  for (const { kind, count } of places) kinds.set(kind, (kinds.get(kind) ?? 0) + count);
  const line = (count: number, words: string) =>
    `${((count / total) * 100).toFixed(1).padStart(6)} % ${((count / total) * microsPerRequest).toFixed(2).padStart(7)} µs  ${words}`;
  const byKind = [...kinds].sort((a, b) => b[1] - a[1]).map(([kind, count]) => line(count, kind));
  const functions = places
    .filter(({ kind, symbol }) => kind !== 'kernel' && symbol !== '[unknown]')
    .slice(0, top)
    .map(({ kind, symbol, count }) => line(count, `${kind}: ${symbol}`));
  return [...byKind, '  functions outside the kernel:', ...functions].join('\n');
}
