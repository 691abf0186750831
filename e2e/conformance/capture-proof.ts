import { follow } from './command.ts';

/** The namespaces that the suite makes for a mesh. */
export const suiteNamespaces: readonly string[] = ['gateway-conformance-mesh', 'gateway-conformance-mesh-consumer'];

const columns = [
  '{.object.metadata.namespace}',
  '{.object.metadata.name}',
  '{.object.status.phase}',
  '{.object.metadata.annotations.tulle\\.dev/captured}',
];

/** Whether the suite's pods were in the mesh while it ran: plain Kubernetes passes some of its tests by luck. */
export class CaptureRecord {
  readonly #running = new Set<string>();
  readonly #captured = new Set<string>();

  /** Takes a line of the watch: namespace, name, phase, and what captures the pod. */
  take(line: string): void {
    const [namespace = '', name = '', phase = '', capturedBy = ''] = line.split(' ');
    if (!suiteNamespaces.includes(namespace)) return;
    if (phase === 'Running') this.#running.add(`${namespace}/${name}`);
    if (capturedBy !== '') this.#captured.add(`${namespace}/${name}`);
  }

  /** Whether it is proven that the suite ran through the mesh, and in which words. */
  verdict(requestsCounted: number): { readonly proven: boolean; readonly text: string } {
    const missed = [...this.#running].filter((pod) => !this.#captured.has(pod));
    const pods = `pods of the suite captured while it ran: ${this.#captured.size} of ${this.#running.size}`;
    const not = missed.length > 0 ? ` (not: ${missed.join(', ')})` : '';
    return {
      proven: this.#captured.size > 0 && missed.length === 0 && requestsCounted > 0,
      text: `${pods}${not}; requests counted by the agents meanwhile: ${requestsCounted}`,
    };
  }
}

/** Follows what becomes of all pods until it is disposed. */
export function recordCapture(): { readonly record: CaptureRecord; stop(): Promise<void> } {
  const record = new CaptureRecord();
  const output = `-o=jsonpath=${columns.join(' ')}{"\\n"}`;
  const following = follow(['kubectl', 'get', 'pods', '-A', '--watch', '--output-watch-events', output], (line) =>
    record.take(line),
  );
  return { record, stop: async () => await following.stop() };
}
