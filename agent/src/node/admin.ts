import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { dirname } from 'node:path';
import type { AgentCertificatesView, AgentConfigView, AgentPodsView } from '@tulle/admin-api';
import type { Logger } from '@tulle/core';
import { errorMessage } from '@tulle/core';
import { redactRoutes, redactSettings } from '@tulle/ir';
import type { ListenAddress } from '../options.ts';
import type { Agent } from './agent.ts';
import { metricsContentType, renderMetrics } from './metrics.ts';

type Answer = { readonly status: number; readonly type: string; readonly body: string };
type Handler = () => Answer | Promise<Answer>;

const json = (value: unknown, status = 200): Answer => ({
  status,
  type: 'application/json',
  body: `${JSON.stringify(value, undefined, 2)}\n`,
});
const text = (body: string, status = 200): Answer => ({ status, type: 'text/plain; charset=utf-8', body });

async function metrics(agent: Agent): Promise<Answer> {
  return { status: 200, type: metricsContentType, body: await renderMetrics(agent) };
}

/** The agent's endpoints for people, probes and scrapers; none of them is on the request path. */
export class AgentEndpoints {
  readonly #servers: Server[] = [];
  readonly #agent: Agent;
  readonly #log: Logger;

  constructor(agent: Agent, log: Logger) {
    this.#agent = agent;
    this.#log = log;
  }

  /** Opens them all; throws where one cannot be. */
  async open(): Promise<void> {
    const { options } = this.#agent;
    await this.#listen(this.#admin(), options.admin);
    await this.#listen({ '/metrics': () => metrics(this.#agent) }, options.metrics);
    await this.#listen(
      { '/readyz': () => this.#ready(), '/healthz': () => text('ok\n'), '/': () => this.#ready() },
      options.ready,
    );
  }

  close(): void {
    for (const server of this.#servers) {
      server.close();
      server.closeAllConnections();
    }
  }

  #ready(): Answer {
    return this.#agent.ready
      ? text('ready\n')
      : text('not ready: no configuration has come from the controller yet\n', 503);
  }

  #admin(): Record<string, Handler> {
    const agent = this.#agent;
    return {
      '/v1/pods': () => json({ pods: agent.enrolment.report() } satisfies AgentPodsView),
      '/v1/config': () =>
        json({
          connected: agent.feed.connected,
          version: agent.feed.version ?? null,
          resources: agent.mesh.counts(),
          ...(agent.refused === undefined ? {} : { refused: agent.refused }),
        } satisfies AgentConfigView),
      '/v1/certificates': () => json(certificatesView(agent)),
      '/v1/workers': async () => json({ workers: await agent.workers.measure() }),
      '/v1/tunnels': async () => json({ tunnels: (await agent.workers.measure()).flatMap((worker) => worker.tunnels) }),
      '/v1/dump': () =>
        json({
          settings: agent.mesh.settings === undefined ? undefined : redactSettings(agent.mesh.settings),
          workloads: Object.fromEntries(agent.mesh.workloads),
          services: Object.fromEntries(agent.mesh.services),
          endpoints: Object.fromEntries(agent.mesh.endpoints),
          routes: Object.fromEntries([...agent.mesh.routes].map(([key, routes]) => [key, redactRoutes(routes)])),
        }),
      '/metrics': () => metrics(agent),
      '/readyz': () => this.#ready(),
    };
  }

  #listen(handlers: Record<string, Handler>, where: string | ListenAddress): Promise<void> {
    const server = createServer((request, response) => void this.#serve(handlers, request, response));
    server.headersTimeout = 5_000;
    server.requestTimeout = 10_000;
    server.maxConnections = 256;
    this.#servers.push(server);
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      if (typeof where !== 'string') {
        server.listen(where.port, where.host, resolve);
        return;
      }
      const path = where.replace(/^unix:/, '');
      mkdirSync(dirname(path), { recursive: true });
      rmSync(path, { force: true });
      server.listen(path, () => {
        chmodSync(path, 0o600);
        resolve();
      });
    });
  }

  async #serve(handlers: Record<string, Handler>, request: IncomingMessage, response: ServerResponse): Promise<void> {
    let answer: Answer;
    try {
      const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
      const handler = Object.hasOwn(handlers, path) ? handlers[path] : undefined;
      if (request.method !== 'GET' && request.method !== 'HEAD') answer = text('only GET\n', 405);
      else if (handler === undefined) answer = text(`there is: ${Object.keys(handlers).join(' ')}\n`, 404);
      else answer = await handler();
    } catch (error) {
      this.#log.error('an admin request failed', { error: errorMessage(error) });
      answer = text('the agent could not answer; see its log\n', 500);
    }
    response.writeHead(answer.status, { 'content-type': answer.type });
    response.end(answer.body);
  }
}

function certificatesView(agent: Agent): AgentCertificatesView {
  const podsBy = new Map<string, number>();
  for (const pod of agent.enrolment.openPods()) podsBy.set(pod.identity, (podsBy.get(pod.identity) ?? 0) + 1);
  const time = (ms: number) => new Date(ms).toISOString();
  return {
    certificates: agent.certificates.states().map((state) => ({
      identity: state.identity,
      pods: podsBy.get(state.identity) ?? 0,
      ...(state.notBeforeMs === undefined ? {} : { notBefore: time(state.notBeforeMs) }),
      ...(state.notAfterMs === undefined ? {} : { notAfter: time(state.notAfterMs) }),
      ...(state.serial === undefined ? {} : { serialNumber: state.serial.toLowerCase() }),
      ...(state.error === undefined ? {} : { lastError: state.error }),
    })),
  };
}
