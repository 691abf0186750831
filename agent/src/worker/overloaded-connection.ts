import { detectHttp1 } from '@tulle/wire';
import type { ByteChannel, ChannelOwner, ClientChannel } from './channel.ts';
import { ConnectionRecord } from './connection-record.ts';
import { http1Answer } from './http/answers.ts';
import { LastWords } from './last-words.ts';
import type { ServicePortView } from './mesh-view.ts';
import type { Pod } from './pod.ts';
import type { PodConnection } from './pod-connections.ts';
import type { Deadline } from './tick.ts';

/** So long such a connection is kept, to be told why it ends. */
const patienceMs = 1_000;

/**
 * A connection that its pod has no room for: a client of HTTP/1 is told so (503, `overload`), any other one is reset. It
 * is not counted among the pod's; there are as many as come within {@link patienceMs}.
 */
export class OverloadedConnection implements ChannelOwner, PodConnection, Deadline {
  tickerSlot = -1;
  podSlot = -1;
  deadlineMs: number;
  readonly #pod: Pod;
  readonly #client: ClientChannel;

  constructor(pod: Pod, client: ClientChannel, frontend: ServicePortView) {
    this.#pod = pod;
    this.#client = client;
    client.owner = this;
    this.deadlineMs = pod.context.ticker.nowMs + patienceMs;
    pod.context.ticker.add(this);
    pod.connections.add(this);
    new ConnectionRecord(pod, frontend, 'tcp').finish('overload');
  }

  drain(): void {}

  destroy(): void {
    this.#leave();
    this.#client.reset();
  }

  onDeadline(): void {
    this.destroy();
  }

  onOpen(): void {}

  onData(_channel: ByteChannel, chunk: Buffer, start: number, end: number): void {
    this.#leave();
    if (detectHttp1(chunk, start, end) === 'http1') {
      new LastWords(this.#pod, this.#client, http1Answer('overload', { close: true, isHead: false }));
    } else this.#client.reset();
  }

  onEnd(): void {
    this.destroy();
  }

  onWritable(): void {}

  onClosed(): void {
    this.#leave();
  }

  #leave(): void {
    this.#pod.context.ticker.remove(this);
    this.#pod.connections.delete(this);
  }
}
