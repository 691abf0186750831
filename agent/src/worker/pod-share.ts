import { memoryUsage } from 'node:process';
import { SlotSet } from '@tulle/core';
import { FairTurns, TurnShare } from './fair-turns.ts';
import type { WorkerLimits } from './limits.ts';
import type { Counters } from './measures.ts';
import type { Deadline, Ticker } from './tick.ts';
import type { InputTurns } from './tunnel-input.ts';

/** How much a worker has to bear: `high`, those that have more than their share get no more; `full`, nobody does. */
export type Pressure = 'none' | 'high' | 'full';

/** A connection of a pod's whose client has not read what was written to it. */
export interface SlowReader {
  /** Bytes that wait in this process. */
  readonly bufferedBytes: number;
  /** Breaks the connection. */
  shed(): void;
  /** Its place among the pod's slow readers; theirs alone. */
  slowSlot?: number;
}

class SlowReaders extends SlotSet<SlowReader> {
  protected override placeOf(member: SlowReader): number | undefined {
    return member.slowSlot;
  }

  protected override place(member: SlowReader, at: number): void {
    member.slowSlot = at;
  }
}

const sampleIntervalMs = 250;
const highPart = 0.75;
const fullPart = 0.9;
const mib = 1024 * 1024;

/** What all pods of one worker use together, and who may have more of it. */
export class WorkerLoad implements Deadline {
  readonly limits: WorkerLimits;
  /** The turns in which input of pods' clients is worked on. */
  readonly turns: FairTurns;
  /** Those of what comes to pods through tunnels, and of what comes back to them. */
  readonly inboundTurns: FairTurns;
  readonly answerTurns: FairTurns;
  deadlineMs = 0;
  readonly mayWait = true;
  connections = 0;
  requests = 0;
  /** Sampled, and so is what follows from it: counting each byte would cost more than it saves. */
  memory: Pressure = 'none';
  readonly #ticker: Ticker;
  readonly #counters: Counters;
  readonly #usedBytes: () => number;
  readonly #shares = new Set<PodShare>();

  /** `usedBytes` says what this process uses of its memory. */
  constructor(
    limits: WorkerLimits,
    tools: { readonly ticker: Ticker; readonly counters: Counters; readonly usedBytes?: () => number },
  ) {
    this.limits = limits;
    this.turns = new FairTurns(limits.workPerTurn);
    this.inboundTurns = new FairTurns(limits.workPerTurn);
    this.answerTurns = new FairTurns(limits.workPerTurn);
    this.#ticker = tools.ticker;
    this.#counters = tools.counters;
    this.#usedBytes = tools.usedBytes ?? heapAndBuffers;
    this.#ticker.add(this);
  }

  /** A pod's share, to be closed with it. */
  share(): PodShare {
    const share = new PodShare(this, this.#counters, () => this.#shares.delete(share));
    this.#shares.add(share);
    return share;
  }

  /** Whether some pod's work was put off to the next turn. */
  get hasBacklog(): boolean {
    return this.turns.hasBacklog || this.inboundTurns.hasBacklog || this.answerTurns.hasBacklog;
  }

  /** How many pods have something under way, at least one. */
  get busyPods(): number {
    let busy = 0;
    for (const { connections } of this.#shares) if (connections > 0) busy += 1;
    return Math.max(1, busy);
  }

  /** The pressure on one resource, of which `used` of `limit` is in use. */
  pressure(used: number, limit: number): Pressure {
    if (this.memory === 'full' || used >= limit) return 'full';
    return this.memory === 'high' || used >= limit * highPart ? 'high' : 'none';
  }

  onDeadline(): void {
    this.deadlineMs = this.#ticker.nowMs + sampleIntervalMs;
    const part = this.#usedBytes() / (this.limits.memoryMib * mib);
    this.memory = part >= fullPart ? 'full' : part >= highPart ? 'high' : 'none';
    for (const share of this.#shares) share.shedSlowReaders();
  }
}

/** What V8 manages and the buffers outside of it: unlike the resident set it shrinks when they are given back. */
function heapAndBuffers(): number {
  const { heapUsed, external } = memoryUsage();
  return heapUsed + external;
}

/** What one pod uses of one worker. */
export class PodShare {
  connections = 0;
  requests = 0;
  readonly turn = new TurnShare();
  readonly inbound: InputTurns;
  readonly answers: InputTurns;
  readonly load: WorkerLoad;
  readonly #counters: Counters;
  readonly #onClosed: () => void;
  readonly #slow = new SlowReaders();

  constructor(load: WorkerLoad, counters: Counters, onClosed: () => void) {
    this.load = load;
    this.inbound = { turns: load.inboundTurns, share: new TurnShare() };
    this.answers = { turns: load.answerTurns, share: new TurnShare() };
    this.#counters = counters;
    this.#onClosed = onClosed;
  }

  /** Counts a connection, which {@link closeConnection} gives back. `false`: the pod, or the worker, has too many. */
  openConnection(): boolean {
    const { limits, connections } = this.load;
    const allowed = this.#allows(this.connections, limits.connectionsPerPod, connections, limits.connectionsPerWorker);
    if (!allowed) {
      this.#counters.add('overload_connections');
      return false;
    }
    this.connections += 1;
    this.load.connections += 1;
    return true;
  }

  closeConnection(): void {
    this.connections -= 1;
    this.load.connections -= 1;
  }

  /** Counts a request, which {@link endRequest} gives back. `false`: the pod, or the worker, has too many. */
  beginRequest(): boolean {
    const { limits, requests } = this.load;
    if (!this.#allows(this.requests, limits.requestsPerPod, requests, limits.requestsPerWorker)) {
      this.#counters.add('overload_requests');
      return false;
    }
    this.requests += 1;
    this.load.requests += 1;
    return true;
  }

  endRequest(): void {
    this.requests -= 1;
    this.load.requests -= 1;
  }

  #allows(own: number, ownLimit: number, all: number, limit: number): boolean {
    if (own >= ownLimit) return false;
    switch (this.load.pressure(all, limit)) {
      case 'none':
        return true;
      case 'high':
        // An equal part of what there is goes through; who has less than that is not to blame.
        return own * this.load.busyPods < all || own === 0;
      case 'full':
        return false;
    }
  }

  /** A client has stopped reading, or reads again. */
  setSlow(reader: SlowReader, slow: boolean): void {
    if (slow) this.#slow.add(reader);
    else this.#slow.delete(reader);
  }

  /** Bytes that wait for slow readers. */
  get bufferedBytes(): number {
    let bytes = 0;
    for (const { bufferedBytes } of this.#slow) bytes += bufferedBytes;
    return bytes;
  }

  /** Breaks the connections with the most bytes waiting, until the pod is below its limit. */
  shedSlowReaders(): void {
    if (this.#slow.size === 0) return;
    const limit = this.load.limits.bufferedMibPerPod * mib;
    let bytes = this.bufferedBytes;
    if (bytes <= limit) return;
    for (const reader of [...this.#slow].sort((a, b) => b.bufferedBytes - a.bufferedBytes)) {
      if (bytes <= limit) return;
      bytes -= reader.bufferedBytes;
      this.#slow.delete(reader);
      this.#counters.add('overload_slow_readers');
      reader.shed();
    }
  }

  close(): void {
    this.#onClosed();
  }
}
