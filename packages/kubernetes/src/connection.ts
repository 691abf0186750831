import { KubeConfig, type Cluster } from '@kubernetes/client-node';
import { Agent, ProxyAgent, type Dispatcher } from 'undici';
import { CodedError, errorMessage } from '@tulle/core';

/** Which cluster is meant. */
export interface ClusterChoice {
  /** A kubeconfig file; else KUBECONFIG, `~/.kube/config`, or the pod's own service account. */
  readonly kubeconfig?: string;
  /** A context of that file; else its current one. */
  readonly context?: string;
}

/** What a request needs to reach the API server and to be let in. */
export interface Credentials {
  readonly dispatcher: Dispatcher;
  readonly headers: Readonly<Record<string, string>>;
}

/** What client-node fills in for a request. */
interface HttpsOptions {
  ca?: string | Buffer;
  cert?: string | Buffer;
  key?: string | Buffer;
  rejectUnauthorized?: boolean;
  servername?: string;
  auth?: string;
  headers?: Record<string, unknown>;
}

const connectTimeoutMs = 10_000;

/** Keeps the connections to one API server, with credentials that are read anew as they change. */
export class Connection {
  readonly server: URL;
  readonly config: KubeConfig;
  readonly #cluster: Cluster;
  #made: { readonly fingerprint: string; readonly dispatcher: Dispatcher } | undefined;

  /** Throws a {@link CodedError} `NoCluster` when the configuration names none. */
  constructor(config: KubeConfig) {
    const cluster = config.getCurrentCluster();
    if (cluster === null) {
      throw new CodedError('NoCluster', `the kubeconfig has no context "${config.getCurrentContext()}" with a cluster`);
    }
    this.config = config;
    this.#cluster = cluster;
    this.server = new URL(cluster.server);
  }

  /** Loads the configuration that is meant. Throws a {@link CodedError} `NoCluster`. */
  static load({ kubeconfig, context }: ClusterChoice): Connection {
    const config = new KubeConfig();
    try {
      if (kubeconfig === undefined) config.loadFromDefault();
      else config.loadFromFile(kubeconfig);
    } catch (cause) {
      throw new CodedError('NoCluster', `the kubeconfig cannot be used: ${errorMessage(cause)}`, { cause });
    }
    if (context !== undefined) config.setCurrentContext(context);
    return new Connection(config);
  }

  /** A connection to a server that needs no credentials, such as a stand-in on loopback. */
  static insecure(server: string): Connection {
    const config = new KubeConfig();
    config.loadFromClusterAndUser({ name: 'server', server, skipTLSVerify: true }, { name: 'nobody' });
    return new Connection(config);
  }

  /** The credentials as they are now: tokens of files and of programs are renewed by client-node. */
  async credentials(): Promise<Credentials> {
    const options: HttpsOptions = {};
    await this.config.applyToHTTPSOptions(options);
    const { ca, cert, key, rejectUnauthorized, servername } = options;
    const tls = {
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
      ...(servername === undefined ? {} : { servername }),
    };
    return { dispatcher: this.#dispatcher(tls), headers: headersOf(options) };
  }

  /** Ends all connections, and the requests that are under way on them. */
  async close(): Promise<void> {
    await this.#made?.dispatcher.destroy();
    this.#made = undefined;
  }

  #dispatcher(tls: object): Dispatcher {
    // A client certificate may be replaced while we run: then new connections are made with the new one.
    const fingerprint = JSON.stringify(tls);
    if (this.#made?.fingerprint === fingerprint) return this.#made.dispatcher;
    const previous = this.#made?.dispatcher;
    const { proxyUrl } = this.#cluster;
    const dispatcher =
      proxyUrl === undefined || proxyUrl === ''
        ? new Agent({ connect: { ...tls, timeout: connectTimeoutMs } })
        : new ProxyAgent({ uri: proxyUrl, requestTls: { ...tls, timeout: connectTimeoutMs } });
    this.#made = { fingerprint, dispatcher };
    // Graceful: its requests under way end by themselves, watches with their next time limit.
    void previous?.close().catch(() => {});
    return dispatcher;
  }
}

function headersOf({ auth, headers }: HttpsOptions): Record<string, string> {
  const all: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers ?? {})) all[name.toLowerCase()] = String(value).trim();
  if (auth !== undefined) all['authorization'] = `Basic ${Buffer.from(auth).toString('base64')}`;
  return all;
}
