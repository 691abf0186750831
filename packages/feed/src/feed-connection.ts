import { Client, Metadata, type ChannelCredentials, type ClientDuplexStream, type ServiceError } from '@grpc/grpc-js';
import { CodedError, errorMessage, type Clock, type Timer } from '@tulle/core';
import { resourceTypeUrls } from '@tulle/ir';
import type { ClientState } from './client-state.ts';
import type { DeltaRequest, DeltaResponse, DiscoveryServiceDefinition } from './discovery-service.ts';
import { kindsInOrder } from './kinds.ts';
import { encodeReport, type NodeReport, type ReportServiceDefinition } from './report-service.ts';

/** Credentials of the channel to the controller; asked for anew with each connection. */
export interface FeedCredentials {
  /** May throw when they cannot be had now (a file that cannot be read). */
  channel(): ChannelCredentials;
  channelOptions(): Record<string, string | number>;
}

/** Where and how to connect. */
export interface FeedConnectionOptions {
  readonly address: string;
  readonly credentials: FeedCredentials;
  readonly node: string;
  readonly clock: Clock;
  /** A connection that is not up after this is given up. */
  readonly connectTimeoutMs: number;
  /** How often a silent connection is tried by a PING, and how long its answer may take. */
  readonly keepaliveIntervalMs: number;
  readonly keepaliveTimeoutMs: number;
}

/** The two services of the controller, loaded once. */
export interface FeedServices {
  readonly discovery: DiscoveryServiceDefinition;
  readonly reports: ReportServiceDefinition;
}

/** What happens on a connection. Nothing is called after `onLost`, nor after {@link FeedConnection.close}. */
export interface FeedConnectionEvents {
  readonly onOpen: () => void;
  /** A whole change arrived; gives why it is refused, or undefined when it was applied. */
  readonly onChange: (responses: readonly DeltaResponse[]) => string | undefined;
  readonly onLost: (why: string) => void;
}

/** The most that one change may bring, so that a controller gone wrong does not fill the node's memory. */
const maxChangeBytes = 256 * 1024 * 1024;
/** So many names with their versions take well less than what a server reads as one message. */
const versionsInRequest = 10_000;
const maxResponseBytes = 16 * 1024 * 1024;
const reportDeadlineMs = 10_000;
/** google.rpc.Code.INVALID_ARGUMENT. */
const invalidArgument = 3;

/** One connection to the controller with its stream. States: connecting -> open -> lost or closed. */
export class FeedConnection implements Disposable {
  readonly #options: FeedConnectionOptions;
  readonly #services: FeedServices;
  readonly #events: FeedConnectionEvents;
  readonly #client: Client;
  readonly #call: ClientDuplexStream<Partial<DeltaRequest>, DeltaResponse>;
  readonly #connectTimer: Timer;
  #phase: 'connecting' | 'open' | 'over' = 'connecting';
  #responses: DeltaResponse[] = [];
  #bytes = 0;

  /** Connects and subscribes to everything, telling what is `known`. Throws what the credentials throw. */
  constructor(
    options: FeedConnectionOptions,
    services: FeedServices,
    known: ClientState,
    events: FeedConnectionEvents,
  ) {
    this.#options = options;
    this.#services = services;
    this.#events = events;
    this.#client = new Client(options.address, options.credentials.channel(), {
      ...options.credentials.channelOptions(),
      'grpc.use_local_subchannel_pool': 1,
      'grpc.enable_retries': 0,
      'grpc.max_receive_message_length': maxResponseBytes,
      'grpc.max_send_message_length': -1,
      'grpc.keepalive_time_ms': options.keepaliveIntervalMs,
      'grpc.keepalive_timeout_ms': options.keepaliveTimeoutMs,
      'grpc.keepalive_permit_without_calls': 1,
    });
    const { path, requestSerialize, responseDeserialize } = services.discovery.DeltaAggregatedResources;
    const call = this.#client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, new Metadata());
    this.#call = call;
    call.on('metadata', () => this.#opened());
    call.on('data', (response: DeltaResponse) => this.#received(response));
    call.on('error', (error: ServiceError) => this.#lost(error.details === '' ? error.message : error.details));
    call.on('end', () => this.#lost('the controller ended the stream'));
    this.#connectTimer = options.clock.after(options.connectTimeoutMs, () => {
      this.#lost(`no connection after ${options.connectTimeoutMs} ms`);
    });
    this.#subscribe(known);
  }

  /** Sends a report about the node. Rejects with a {@link CodedError} `report-failed`. */
  report(report: NodeReport): Promise<void> {
    const { path, requestSerialize, responseDeserialize } = this.#services.reports.Report;
    return new Promise((resolve, reject) => {
      const done = (error: ServiceError | null) => {
        timer.cancel();
        if (error === null) resolve();
        else reject(new CodedError('report-failed', `the report did not reach the controller: ${error.details}`));
      };
      const wire = encodeReport(report);
      const call = this.#client.makeUnaryRequest(path, requestSerialize, responseDeserialize, wire, done);
      const timer = this.#options.clock.after(reportDeadlineMs, () => call.cancel());
    });
  }

  /** Ends the connection at once. */
  close(): void {
    if (this.#phase === 'over') return;
    this.#phase = 'over';
    this.#connectTimer.cancel();
    this.#responses = [];
    this.#call.cancel();
    this.#client.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #opened(): void {
    if (this.#phase !== 'connecting') return;
    this.#phase = 'open';
    this.#connectTimer.cancel();
    this.#events.onOpen();
  }

  #lost(why: string): void {
    if (this.#phase === 'over') return;
    this.close();
    this.#events.onLost(why);
  }

  /** All kinds in one go; what the agent has of a kind may take several requests. */
  #subscribe(known: ClientState): void {
    const requests: Partial<DeltaRequest>[] = [];
    for (const kind of kindsInOrder) {
      const typeUrl = resourceTypeUrls[kind];
      const versions = Object.entries(known.versions(kind));
      for (let at = 0; at === 0 || at < versions.length; at += versionsInRequest) {
        const initialResourceVersions = Object.fromEntries(versions.slice(at, at + versionsInRequest));
        requests.push({ typeUrl, resourceNamesSubscribe: ['*'], initialResourceVersions });
      }
    }
    for (const [index, request] of requests.entries()) {
      const moreFollows = index + 1 < requests.length;
      this.#call.write({ ...request, node: { id: this.#options.node }, moreFollows });
    }
  }

  #received(response: DeltaResponse): void {
    if (this.#phase !== 'open') return;
    this.#responses.push(response);
    this.#bytes += sizeOf(response);
    if (this.#bytes > maxChangeBytes) {
      this.#lost(`the controller sent a change of more than ${maxChangeBytes} bytes`);
      return;
    }
    if (response.moreFollows) return;
    const responses = this.#responses;
    this.#responses = [];
    this.#bytes = 0;
    const refused = this.#apply(responses);
    const errorDetail = refused === undefined ? null : { code: invalidArgument, message: refused };
    for (const { typeUrl, nonce } of responses) this.#call.write({ typeUrl, responseNonce: nonce, errorDetail });
  }

  #apply(responses: readonly DeltaResponse[]): string | undefined {
    try {
      return this.#events.onChange(responses);
    } catch (thrown) {
      return errorMessage(thrown);
    }
  }
}

/** About what a response takes in memory. */
function sizeOf(response: DeltaResponse): number {
  let bytes = 256;
  for (const { name, resource } of response.resources) bytes += 256 + name.length + (resource?.value.length ?? 0);
  for (const name of response.removedResources) bytes += 64 + name.length;
  return bytes;
}
