import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { CodedError, errorMessage, type Logger } from '@tulle/core';
import type { ErrorView } from '@tulle/admin-api';
import { AdminError } from './admin-error.ts';
import { listenOnUnixSocket } from './unix-socket.ts';

/** What is asked for: the parts of the path, decoded, and the query. */
export interface AdminRequest {
  readonly method: 'GET' | 'POST';
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
}

/** Where an {@link AdminServer} answers: the path of a unix socket, or a TCP address. */
export type AdminAddress = string | { readonly host: string; readonly port: number };

/** Gives the document that a request asks for; throws an {@link AdminError} where there is none. */
export type AdminHandler = (request: AdminRequest) => object | Promise<object>;

const maxRequests = 64;

/** HTTP over a unix socket or loopback for the CLI and for probes: GET to read, POST without a body to do, JSON answers. */
export class AdminServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #handler: AdminHandler;
  readonly #logger: Logger;

  constructor(handler: AdminHandler, logger: Logger) {
    this.#handler = handler;
    this.#logger = logger;
    this.#server = createServer(
      { requestTimeout: 10_000, headersTimeout: 5000, keepAliveTimeout: 5000, maxHeaderSize: 16 * 1024 },
      (request, response) => void this.#answer(request, response),
    );
    this.#server.maxConnections = maxRequests;
  }

  /**
   * Begins to answer: on a unix socket, mode 0600, or on an address. Throws as {@link listenOnUnixSocket} does.
   * Who can reach the address can read everything, so it is to be a loopback address.
   */
  listen(address: AdminAddress): Promise<void> {
    if (typeof address === 'string') return listenOnUnixSocket(this.#server, address);
    return new Promise((resolve, reject) => {
      const { host, port } = address;
      this.#server.once('error', (cause) => {
        reject(new CodedError('CannotListen', `cannot listen on ${host}:${port}: ${errorMessage(cause)}`, { cause }));
      });
      this.#server.listen(port, host, resolve);
    });
  }

  /** Stops; the socket is removed. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const { method } = request;
      if (method !== 'GET' && method !== 'POST') {
        throw new AdminError(405, 'MethodNotAllowed', `${method ?? ''} is not answered here, only GET and POST are`);
      }
      send(response, 200, await this.#handler({ method, ...parseTarget(request.url ?? '/') }));
    } catch (error) {
      this.#refuse(response, error);
    }
  }

  #refuse(response: ServerResponse, thrown: unknown): void {
    const status = thrown instanceof AdminError ? thrown.status : 500;
    if (status === 500) this.#logger.error('an admin request failed', { error: errorMessage(thrown) });
    const code = thrown instanceof CodedError ? thrown.code : 'Internal';
    const hint = thrown instanceof CodedError ? thrown.hint : undefined;
    const view: ErrorView = {
      error: { code, message: errorMessage(thrown), ...(hint === undefined ? {} : { hint }) },
    };
    send(response, status, view);
  }
}

function parseTarget(target: string): Omit<AdminRequest, 'method'> {
  try {
    const url = new URL(target, 'http://controller');
    const segments = url.pathname.split('/').slice(1).map(decodeURIComponent);
    return { segments, query: url.searchParams };
  } catch {
    throw new AdminError(400, 'BadRequest', 'the target of the request is no path');
  }
}

function send(response: ServerResponse, status: number, document: object): void {
  const body = Buffer.from(`${JSON.stringify(document)}\n`);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': body.length }).end(body);
}
