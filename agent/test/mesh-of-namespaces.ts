import { fork, spawn } from 'node:child_process';
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { Socket } from 'node:net';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type {
  BackendTls,
  ChangeSet,
  HttpRouteTable,
  HttpRule,
  MeshDelta,
  MeshService,
  RouteTable,
  ServiceEndpoints,
  ServiceRoutes,
  WeightedBackend,
  Workload,
} from '@tulle/ir';
import { IptablesCapture, NetworkNamespace, openTcpListener, openTcpSocket, runCommand } from '@tulle/linux';
import { TestCa } from '@tulle/testkit';
import { workerFlags } from '../src/node/worker-pool.ts';
import type { FromWorker, PodSpec, ToWorker, WorkerMeasures, WorkerSettings } from '../src/ipc.ts';

export const trustDomain = 'cluster.local';

/** A pod of a {@link MeshOfNamespaces}. */
export interface TestPod {
  readonly spec: PodSpec;
  readonly workload: Workload;
  readonly namespace: NetworkNamespace;
  readonly address: string;
}

function changes<T>(entries: readonly (readonly [string, T])[] = []): ChangeSet<T> {
  return { changed: new Map(entries), removed: [] };
}

/**
 * A node made for a test: pods are network namespaces on one bridge, one real worker process carries them, and the test
 * plays the agent's main process and the controller. Needs root; everything is taken away by `close`.
 */
export class MeshOfNamespaces {
  readonly ca: TestCa;
  readonly capture = new IptablesCapture();
  readonly pods = new Map<string, TestPod>();
  readonly #prefix = `tt${randomBytes(3).toString('hex')}`;
  readonly #worker: ChildProcess;
  readonly #messages: FromWorker[] = [];
  readonly #waiting = new Set<() => void>();
  #output = '';
  readonly #children = new Set<ChildProcess>();
  #next = 2;

  private constructor(ca: TestCa, settings: Partial<WorkerSettings>) {
    this.ca = ca;
    this.#worker = fork(fileURLToPath(new URL('../src/worker/main.ts', import.meta.url)), [], {
      serialization: 'advanced',
      execArgv: [...workerFlags],
      env: { ...process.env, TULLE_LOG_LEVEL: 'warn' },
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    this.#worker.stdout?.on('data', (bytes: Buffer) => {
      this.#output += bytes.toString();
      for (const wake of [...this.#waiting]) wake();
    });
    this.#worker.on('message', (message) => {
      this.#messages.push(message as FromWorker);
      for (const wake of [...this.#waiting]) wake();
    });
    this.tell({ type: 'configure', settings: { node: 'n1', zone: '', sameNode: 'tunnel', ...settings } });
  }

  static async create(settings: Partial<WorkerSettings> = {}): Promise<MeshOfNamespaces> {
    if (process.getuid?.() !== 0) throw new Error('this test needs root: it makes network namespaces');
    const mesh = new MeshOfNamespaces(new TestCa(), settings);
    const fabric = mesh.#prefix;
    await runCommand('ip', ['netns', 'add', fabric]);
    const lines = ['link set lo up', 'link add br0 type bridge', 'addr add 10.77.0.1/16 dev br0', 'link set br0 up'];
    await runCommand('ip', ['-n', fabric, '-batch', '-'], `${lines.join('\n')}\n`);
    return mesh;
  }

  /** The namespace of the bridge: a host that is in no mesh, at 10.77.0.1. */
  outside(): NetworkNamespace {
    return NetworkNamespace.open(`/run/netns/${this.#prefix}`);
  }

  get workerPid(): number {
    return this.#worker.pid ?? -1;
  }

  tell(message: ToWorker): void {
    this.#worker.send(message);
  }

  /** Waits for a message of the worker that `wanted` holds for, and takes it. */
  async hear(wanted: (message: FromWorker) => boolean): Promise<FromWorker> {
    for (;;) {
      const at = this.#messages.findIndex(wanted);
      const [found] = at < 0 ? [] : this.#messages.splice(at, 1);
      if (found !== undefined) return found;
      await this.#woken();
    }
  }

  /** Waits for a line that the worker writes, as JSON, that `wanted` holds for. */
  async readLine(
    wanted: (line: Readonly<Record<string, unknown>>) => boolean,
  ): Promise<Readonly<Record<string, unknown>>> {
    for (;;) {
      const whole = this.#output.slice(0, this.#output.lastIndexOf('\n') + 1);
      for (const text of whole.split('\n')) {
        const line = text === '' ? {} : (JSON.parse(text) as Readonly<Record<string, unknown>>);
        if (text !== '' && wanted(line)) return line;
      }
      await this.#woken();
    }
  }

  /** All that the worker has written to its log and its access log. */
  get output(): string {
    return this.#output;
  }

  async #woken(): Promise<void> {
    await new Promise<void>((resolve) => {
      const wake = () => {
        this.#waiting.delete(wake);
        resolve();
      };
      this.#waiting.add(wake);
    });
  }

  /** Adds a pod; it is in the mesh, with its ports open and its traffic captured, unless `meshed` is false. */
  async addPod(
    name: string,
    options: { readonly meshed?: boolean; readonly namespace?: string; readonly serviceAccount?: string } = {},
  ): Promise<TestPod> {
    const meshed = options.meshed ?? true;
    const netns = `${this.#prefix}${name}`;
    const address = `10.77.0.${this.#next++}`;
    await runCommand('ip', ['netns', 'add', netns]);
    await runCommand(
      'ip',
      ['-n', this.#prefix, '-batch', '-'],
      `link add ${name} type veth peer name eth0 netns ${netns}\nlink set ${name} master br0 up\n`,
    );
    const lines = [
      'link set lo up',
      `addr add ${address}/16 dev eth0`,
      'link set eth0 up',
      'route add default via 10.77.0.1',
    ];
    await runCommand('ip', ['-n', netns, '-batch', '-'], `${lines.join('\n')}\n`);
    const namespace = options.namespace ?? 'shop';
    const serviceAccount = options.serviceAccount ?? name;
    const identity = `spiffe://${trustDomain}/ns/${namespace}/sa/${serviceAccount}`;
    const spec: PodSpec = {
      uid: netns,
      namespace,
      name,
      workloadName: name,
      addresses: [address],
      identity,
      netns: `/run/netns/${netns}`,
    };
    const workload: Workload = {
      uid: netns,
      namespace,
      name,
      node: 'n1',
      addresses: [address],
      workloadName: name,
      serviceAccount,
      identity,
      mesh: meshed ? { state: 'in' } : { state: 'out', reason: 'not labelled' },
      mtlsMode: 'permissive',
      opaquePorts: [],
      zone: '',
    };
    const pod: TestPod = { spec, workload, namespace: NetworkNamespace.open(spec.netns), address };
    this.pods.set(name, pod);
    this.apply({ workloads: changes([[`${namespace}/${name}`, workload]]) });
    if (meshed) await this.join(pod);
    return pod;
  }

  /** Gives the pod a certificate, opens its ports and redirects its traffic. */
  async join(pod: TestPod): Promise<void> {
    await this.open(pod);
    await this.capture.install(pod.spec);
  }

  /** Gives the pod a certificate and opens its ports: what {@link join} does before the redirect. */
  async open(pod: TestPod): Promise<void> {
    this.certify(pod);
    await this.capture.prepare(pod.spec);
    this.tell({ type: 'open-pod', pod: pod.spec });
    const answer = await this.hear((message) => message.type === 'pod-opened' || message.type === 'pod-failed');
    if (answer.type === 'pod-failed') throw new Error(answer.message);
  }

  /** Gives the worker a certificate of the pod's identity. */
  certify(pod: TestPod): void {
    const leaf = this.ca.leaf(pod.spec.identity);
    this.tell({
      type: 'certificate',
      certificate: {
        identity: pod.spec.identity,
        privateKeyPem: leaf.keyPem,
        chainPem: leaf.certPem,
        rootsPem: this.ca.certificate.certPem,
        notAfterMs: Date.now() + 3_600_000,
      },
    });
  }

  apply(delta: Partial<MeshDelta>): void {
    this.tell({
      type: 'mesh',
      delta: {
        policies: changes(),
        workloads: changes(),
        services: changes(),
        endpoints: changes(),
        routes: changes(),
        ...delta,
      },
    });
  }

  /** Adds a Service `shop/NAME` at `clusterIP`:80 over port `targetPort` of pods. */
  addService(
    name: string,
    clusterIP: string,
    of: {
      readonly pods: readonly TestPod[];
      readonly targetPort: number;
      readonly protocol?: MeshService['ports'][number]['protocol'];
      readonly table?: HttpRouteTable;
      /** Routes of another kind than HTTPRoute. */
      readonly routes?: RouteTable;
      readonly tls?: BackendTls;
    },
  ): void {
    const producer: RouteTable | undefined = of.table === undefined ? of.routes : { kind: 'http', table: of.table };
    const key = `shop/${name}`;
    const service: MeshService = {
      namespace: 'shop',
      name,
      clusterIPs: [clusterIP],
      trafficDistribution: 'any',
      ports: [
        {
          port: 80,
          name: 'http',
          protocol: of.protocol ?? 'detect',
          routeKind: producer?.kind ?? 'none',
          ...(of.tls === undefined ? {} : { tls: of.tls }),
        },
      ],
    };
    const endpoints: ServiceEndpoints = {
      namespace: 'shop',
      name,
      ports: [
        {
          port: 80,
          endpoints: of.pods.map((pod) => ({
            address: pod.address,
            port: of.targetPort,
            ready: true,
            workload: `${pod.spec.namespace}/${pod.spec.name}`,
          })),
        },
      ],
    };
    const routes: [string, ServiceRoutes][] =
      producer === undefined ? [] : [[`${key}:80`, { namespace: 'shop', name, port: 80, producer, consumers: {} }]];
    this.apply({
      services: changes([[key, service]]),
      endpoints: changes([[key, endpoints]]),
      routes: changes(routes),
    });
  }

  /** A listening socket's descriptor inside a pod. */
  listen(pod: TestPod, port: number): number {
    return pod.namespace.run(() => openTcpListener({ address: '0.0.0.0', port, backlog: 1_024, reusePort: false }));
  }

  /** Connects from inside a pod, as its application would. */
  async connect(pod: TestPod, to: { readonly address: string; readonly port: number }): Promise<Socket> {
    const fd = pod.namespace.run(() => openTcpSocket({ destination: to.address, mark: 0 }));
    const socket = new Socket({ fd, allowHalfOpen: true });
    socket.on('error', () => {});
    socket.connect({ host: to.address, port: to.port });
    await once(socket, 'connect');
    return socket;
  }

  /** Runs a program inside a pod; it is ended with the mesh. */
  spawnIn(pod: TestPod, command: readonly string[], options: SpawnOptions = {}): ChildProcess {
    const child = spawn('nsenter', [`--net=${pod.spec.netns}`, '--', ...command], options);
    this.#children.add(child);
    child.on('exit', () => this.#children.delete(child));
    return child;
  }

  async measures(): Promise<WorkerMeasures> {
    this.tell({ type: 'measure', request: 1 });
    const message = await this.hear((candidate) => candidate.type === 'measured');
    if (message.type !== 'measured') throw new Error('unreachable');
    return message.measures;
  }

  /** Kills the worker as a fault would, and waits until it is gone. */
  async killWorker(): Promise<void> {
    const gone = once(this.#worker, 'exit');
    this.#worker.kill('SIGKILL');
    await gone;
  }

  async close(): Promise<void> {
    for (const child of this.#children) child.kill('SIGKILL');
    if (this.#worker.exitCode === null && this.#worker.signalCode === null) {
      const gone = once(this.#worker, 'exit');
      if (this.#worker.connected) this.#worker.disconnect();
      else this.#worker.kill('SIGKILL');
      await gone;
    }
    for (const pod of this.pods.values()) {
      pod.namespace.close();
      await runCommand('ip', ['netns', 'del', pod.spec.uid]);
    }
    await runCommand('ip', ['netns', 'del', this.#prefix]);
  }
}

/** A table of one rule for every request, with what `rule` says. */
export function oneRule(rule: Partial<HttpRule>): HttpRouteTable {
  return {
    rules: [{ route: 'HTTPRoute/shop/test', index: 0, filters: [], backends: [], ...rule }],
    matches: [{ match: { path: { type: 'prefix', value: '/' }, headers: [], queryParams: [] }, rule: 0 }],
  };
}

/** A backend `shop/NAME`:80. */
export function backendTo(name: string, more: Partial<WeightedBackend> = {}): WeightedBackend {
  return { target: { type: 'service', service: `shop/${name}`, port: 80 }, weight: 1, filters: [], ...more };
}

/** Reads from a socket until it ends; latin1. */
export async function readAll(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await new Promise<void>((resolve) => {
    socket.on('end', resolve);
    socket.on('close', () => resolve());
  });
  return Buffer.concat(chunks).toString('latin1');
}
