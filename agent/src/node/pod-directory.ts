import { existsSync, mkdirSync, readdirSync, readFileSync, watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { join } from 'node:path';
import type { Clock, Logger, Timer } from '@tulle/core';
import { errorMessage } from '@tulle/core';

/** A pod that runs on this node, and where its network namespace is. */
export interface LocalPod {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  /** The path of its network namespace. */
  readonly netns: string;
}

/** Where the agent learns which pods run on its node. */
export interface PodSource {
  /** The pods as they are now. */
  pods(): ReadonlyMap<string, LocalPod>;
  close(): void;
}

const settleMs = 5;

/** Pods from a directory of `UID.json` files, one a pod, watched: what a cluster without Kubernetes offers. */
export class PodDirectory implements PodSource {
  readonly #directory: string;
  readonly #onChange: () => void;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #watcher: FSWatcher;
  #pods = new Map<string, LocalPod>();
  #timer: Timer | undefined;

  constructor(directory: string, onChange: () => void, tools: { readonly log: Logger; readonly clock: Clock }) {
    this.#directory = directory;
    this.#onChange = onChange;
    this.#log = tools.log;
    this.#clock = tools.clock;
    if (!existsSync(directory)) mkdirSync(directory, { recursive: true });
    this.#watcher = watch(directory, () => {
      this.#timer ??= this.#clock.after(settleMs, () => {
        this.#timer = undefined;
        this.#read();
        this.#onChange();
      });
    });
    this.#read();
  }

  pods(): ReadonlyMap<string, LocalPod> {
    return this.#pods;
  }

  close(): void {
    this.#watcher.close();
    this.#timer?.cancel();
  }

  #read(): void {
    const pods = new Map<string, LocalPod>();
    for (const file of readdirSync(this.#directory)) {
      if (!file.endsWith('.json')) continue;
      try {
        const pod = parsePod(readFileSync(join(this.#directory, file), 'utf8'));
        pods.set(pod.uid, pod);
      } catch (error) {
        if (!existsSync(join(this.#directory, file))) continue;
        this.#log.warn('a pod file cannot be used; the pod stays as it was', { file, error: errorMessage(error) });
        const known = this.#pods.get(file.slice(0, -'.json'.length));
        if (known !== undefined) pods.set(known.uid, known);
      }
    }
    this.#pods = pods;
  }
}

function parsePod(text: string): LocalPod {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null) throw new Error('expected an object');
  const field = (name: string): string => {
    const found: unknown = Reflect.get(value, name);
    if (typeof found !== 'string' || found === '') throw new Error(`expected a string in "${name}"`);
    return found;
  };
  return { uid: field('uid'), namespace: field('namespace'), name: field('name'), netns: field('netns') };
}
