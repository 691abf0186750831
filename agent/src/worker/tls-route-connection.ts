import type { CompiledTlsRoutes } from '@tulle/routing';
import { ClientHelloReader } from '@tulle/wire';
import type { ByteChannel, ChannelFailure, ChannelOwner, ClientChannel } from './channel.ts';
import { ConnectionRecord } from './connection-record.ts';
import type { ConnectionReason } from './connection-record.ts';
import { LastWords } from './last-words.ts';
import type { ServicePortView } from './mesh-view.ts';
import { OpaqueConnection } from './opaque.ts';
import type { Pod } from './pod.ts';
import type { PodConnection } from './pod-connections.ts';
import type { Deadline } from './tick.ts';

/** From the connection's beginning to the last byte of its ClientHello. */
const helloTimeoutMs = 10_000;

/** Fatal alerts (RFC 8446 section 6.2, RFC 6066 section 3), as a client reads them before any key is agreed on. */
const alerts = {
  'bad-client-hello': alert(50),
  'no-route': alert(112),
  'invalid-backend': alert(80),
} as const;

function alert(description: number): Buffer {
  return Buffer.of(21, 3, 3, 0, 2, 2, description);
}

/**
 * A connection to a Service port with TLSRoutes: its ClientHello is read for the server name, and the connection carried
 * to a backend of the rule for it, untouched. What is no TLS, or has no rule, ends here with an alert.
 */
export class TlsRouteConnection implements ChannelOwner, PodConnection, Deadline {
  tickerSlot = -1;
  podSlot = -1;
  deadlineMs: number;
  readonly #pod: Pod;
  readonly #client: ClientChannel;
  readonly #routes: CompiledTlsRoutes;
  readonly #hello = new ClientHelloReader();
  readonly #record: ConnectionRecord;
  readonly #seen: Buffer[] = [];

  constructor(pod: Pod, client: ClientChannel, frontend: ServicePortView, routes: CompiledTlsRoutes) {
    this.#pod = pod;
    this.#client = client;
    this.#routes = routes;
    this.#record = new ConnectionRecord(pod, frontend, 'tls');
    client.owner = this;
    this.deadlineMs = pod.context.ticker.nowMs + helloTimeoutMs;
    pod.context.ticker.add(this);
    pod.connections.add(this);
  }

  drain(): void {}

  destroy(): void {
    this.#leave();
    this.#record.finish('reset');
    this.#client.reset();
  }

  onDeadline(): void {
    this.#leave();
    this.#record.finish('header-timeout');
    this.#client.reset();
  }

  onOpen(): void {}

  onData(_channel: ByteChannel, chunk: Buffer, start: number, end: number): void {
    this.#hello.read(chunk, start, end);
    this.#seen.push(chunk.subarray(start, end));
    switch (this.#hello.state) {
      case 'reading':
        return;
      case 'failed':
        this.#refuse('bad-client-hello');
        return;
      case 'complete':
        this.#route(this.#hello.serverName);
    }
  }

  #route(serverName: string | undefined): void {
    const rule = this.#routes.match(serverName);
    this.#record.serverName = serverName;
    this.#record.rule = rule;
    if (rule === undefined) {
      this.#refuse('no-route');
      return;
    }
    const target = rule.pickBackend();
    const { mesh } = this.#pod.context;
    const port = target?.type === 'service' ? mesh.servicePort(target.service, target.port) : undefined;
    if (port === undefined) {
      this.#refuse('invalid-backend');
      return;
    }
    this.#leave();
    const [only = Buffer.alloc(0)] = this.#seen;
    const early = this.#seen.length === 1 ? only : Buffer.concat(this.#seen);
    // The client speaks TLS to the application itself, so a BackendTLSPolicy has nothing to add.
    new OpaqueConnection(
      this.#pod,
      this.#client,
      { type: 'service', port, inner: 'as-is' },
      {
        early,
        record: this.#record,
      },
    );
  }

  #refuse(reason: keyof typeof alerts & ConnectionReason): void {
    this.#leave();
    this.#record.finish(reason);
    new LastWords(this.#pod, this.#client, alerts[reason]);
  }

  /** Half a hello that will not be whole. */
  onEnd(): void {
    this.#refuse('bad-client-hello');
  }

  onWritable(): void {}

  onClosed(_channel: ByteChannel, _failure: ChannelFailure | undefined): void {
    this.#leave();
    this.#record.finish('client-closed');
  }

  #leave(): void {
    this.#pod.context.ticker.remove(this);
    this.#pod.connections.delete(this);
  }
}
