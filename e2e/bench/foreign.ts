import { allProcesses, netnsOf } from './processes.ts';
import type { ProcessStat } from './processes.ts';

/** Kernel threads are children of kthreadd, which is process 2; they work for everybody. */
const kernelThreads = 2;

/**
 * Tells how much CPU time went to processes that are not the benchmark's: neither in one of its network namespaces,
 * nor started by it, nor the kernel's own.
 */
export class ForeignCpu {
  readonly #namespaces: ReadonlySet<number>;
  readonly #before: ReadonlyMap<number, number>;

  constructor(namespaces: ReadonlySet<number>) {
    this.#namespaces = namespaces;
    this.#before = new Map(allProcesses().map((each) => [each.pid, total(each)]));
  }

  /** Microseconds since this was made. */
  micros(): number {
    const now = new Map(allProcesses().map((each) => [each.pid, each]));
    let micros = 0;
    for (const each of now.values()) {
      const used = total(each) - (this.#before.get(each.pid) ?? 0);
      if (used > 0 && !this.#isOurs(each, now)) micros += used;
    }
    return micros;
  }

  #isOurs(process_: ProcessStat, all: ReadonlyMap<number, ProcessStat>): boolean {
    let each: ProcessStat | undefined = process_;
    for (let depth = 0; each !== undefined && depth < 32; depth++) {
      if (each.pid === process.pid || each.pid === kernelThreads) return true;
      each = all.get(each.parent);
    }
    const namespace = netnsOf(process_.pid);
    return namespace !== undefined && this.#namespaces.has(namespace);
  }
}

function total(each: ProcessStat): number {
  return each.cpu.user + each.cpu.system;
}
