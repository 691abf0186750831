import { allProcesses, netnsOf } from './processes.ts';
import type { ProcessStat } from './processes.ts';

/** Kernel threads are children of kthreadd, which is process 2; they work for everybody. */
const kernelThreads = 2;

/**
 * Tells how much CPU time went to processes that are not the benchmark's: neither in one of its network namespaces,
 * nor started by it, nor the kernel's own. What ended meanwhile is found in the time of the children of who waited for
 * it; only of what nobody waited for nothing is known.
 */
export class ForeignCpu {
  readonly #namespaces: ReadonlySet<number>;
  readonly #before: ReadonlyMap<number, number>;

  constructor(namespaces: ReadonlySet<number>) {
    this.#namespaces = namespaces;
    this.#before = this.#foreign();
  }

  /** Microseconds since this was made. */
  micros(): number {
    const now = this.#foreign();
    let micros = 0;
    for (const [pid, used] of now) micros += used - (this.#before.get(pid) ?? 0);
    // What ended has passed all its time on, that of before with it.
    for (const [pid, used] of this.#before) if (!now.has(pid)) micros -= used;
    return Math.max(0, micros);
  }

  #foreign(): Map<number, number> {
    const all = new Map(allProcesses().map((each) => [each.pid, each]));
    const foreign = [...all.values()].filter((each) => !this.#isOurs(each, all));
    return new Map(foreign.map((each) => [each.pid, each.cpu.user + each.cpu.system + each.reapedMicros]));
  }

  #isOurs(of: ProcessStat, all: ReadonlyMap<number, ProcessStat>): boolean {
    let each: ProcessStat | undefined = of;
    for (let depth = 0; each !== undefined && depth < 32; depth++) {
      if (each.pid === process.pid || each.pid === kernelThreads) return true;
      each = all.get(each.parent);
    }
    const namespace = netnsOf(of.pid);
    return namespace !== undefined && this.#namespaces.has(namespace);
  }
}
