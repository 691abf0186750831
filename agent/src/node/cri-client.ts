import { fileURLToPath } from 'node:url';
import { credentials, makeClientConstructor, type Client, type ServiceError } from '@grpc/grpc-js';
import type { ClientReadableStream, MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

/** A pod sandbox: what holds the network namespace of a pod. */
export interface Sandbox {
  readonly id: string;
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  /** Nanoseconds since the epoch. */
  readonly createdAt: number;
}

/** Where a sandbox is in the network: a path of its own namespace, or the node's. */
export type SandboxNetwork = { readonly kind: 'own'; readonly netns: string } | { readonly kind: 'node' };

/** What is asked of a container runtime. */
export interface ContainerRuntime {
  /** The sandboxes that are ready. */
  sandboxes(): Promise<readonly Sandbox[]>;
  /** Throws where the runtime does not say it. */
  network(id: string): Promise<SandboxNetwork>;
  /** Calls `onEvent` when containers come and go, as long as the runtime tells; `onEnd` once it does not. */
  events(onEvent: () => void, onEnd: () => void): { cancel(): void };
  close(): void;
}

interface ListResponse {
  readonly items: readonly {
    readonly id: string;
    readonly metadata: { readonly name: string; readonly uid: string; readonly namespace: string } | null;
    readonly createdAt: number;
  }[];
}

interface StatusResponse {
  readonly status: {
    readonly linux: { readonly namespaces: { readonly options: { network: string } | null } | null } | null;
  } | null;
  readonly info: Readonly<Record<string, string>>;
}

interface CriDefinition extends ServiceDefinition {
  readonly ListPodSandbox: MethodDefinition<object, ListResponse>;
  readonly PodSandboxStatus: MethodDefinition<object, StatusResponse>;
  readonly GetContainerEvents: MethodDefinition<object, object>;
}

const answerTimeoutMs = 10_000;
const maxMessageBytes = 32 * 1024 * 1024;

/** The runtime behind a socket that speaks the Container Runtime Interface, version 1. */
export class CriClient implements ContainerRuntime {
  readonly #client: Client;
  readonly #service: CriDefinition;

  /** `address`: `unix:///run/containerd/containerd.sock`. */
  constructor(address: string) {
    const file = fileURLToPath(new URL('cri.proto', import.meta.url));
    const loaded: object | undefined = loadSync(file, { longs: Number, enums: String, defaults: true, arrays: true })[
      'runtime.v1.RuntimeService'
    ];
    this.#service = loaded as CriDefinition;
    const Runtime = makeClientConstructor(this.#service, 'RuntimeService');
    this.#client = new Runtime(address, credentials.createInsecure(), {
      // Servers in Go refuse the path of a socket as the name of a host.
      'grpc.default_authority': 'localhost',
      'grpc.max_receive_message_length': maxMessageBytes,
      'grpc.max_reconnect_backoff_ms': 5000,
    });
  }

  async sandboxes(): Promise<readonly Sandbox[]> {
    const filter = { state: { state: 'SANDBOX_READY' } };
    const { items } = await this.#call(this.#service.ListPodSandbox, { filter });
    return items.flatMap(({ id, metadata, createdAt }) => (metadata === null ? [] : [{ id, createdAt, ...metadata }]));
  }

  async network(id: string): Promise<SandboxNetwork> {
    const { info, status } = await this.#call(this.#service.PodSandboxStatus, { podSandboxId: id, verbose: true });
    if (status?.linux?.namespaces?.options?.network === 'NODE') return { kind: 'node' };
    return networkOf(info['info'] ?? '');
  }

  events(onEvent: () => void, onEnd: () => void): { cancel(): void } {
    const { path, requestSerialize, responseDeserialize } = this.#service.GetContainerEvents;
    const stream: ClientReadableStream<object> = this.#client.makeServerStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      {},
    );
    stream.on('data', onEvent);
    stream.on('error', onEnd);
    stream.on('end', onEnd);
    return { cancel: () => stream.cancel() };
  }

  close(): void {
    this.#client.close();
  }

  #call<T>({ path, requestSerialize, responseDeserialize }: MethodDefinition<object, T>, request: object): Promise<T> {
    return new Promise((resolve, reject) => {
      const deadline = Date.now() + answerTimeoutMs;
      const done = (error: ServiceError | null, answer?: T) => {
        if (error !== null || answer === undefined) reject(error ?? new Error('no answer'));
        else resolve(answer);
      };
      this.#client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, { deadline }, done);
    });
  }
}

/**
 * The network namespace in what a runtime says of a sandbox when it is asked for more (`info` of PodSandboxStatus): the
 * runtime specification that both containerd and CRI-O put there. Throws where there is none.
 */
export function networkOf(info: string): SandboxNetwork {
  const document: unknown = JSON.parse(info);
  const namespaces = field(field(field(document, 'runtimeSpec'), 'linux'), 'namespaces');
  if (!Array.isArray(namespaces)) throw new Error('the runtime does not tell the namespaces of the sandbox');
  const network: unknown = namespaces.find((each: unknown) => field(each, 'type') === 'network');
  if (network === undefined) return { kind: 'node' };
  const netns = field(network, 'path');
  if (typeof netns !== 'string' || netns === '') throw new Error('the network namespace of the sandbox has no path');
  // The same directory everywhere, but only one of its names is mounted into the agent's container.
  return { kind: 'own', netns: netns.replace(/^\/var\/run\//, '/run/') };
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
