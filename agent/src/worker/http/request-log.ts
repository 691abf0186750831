import type { RequestHead } from '@tulle/core';
import type { BalancedEndpoint } from '@tulle/routing';
import { HeaderScratch, HpackDecoder } from '@tulle/wire';
import type { AccessEntry } from '../access-log.ts';
import { hostPort } from '../addresses.ts';
import { routeLabel } from '../connection-record.ts';
import type { ServicePortView } from '../mesh-view.ts';
import type { Pod } from '../pod.ts';
import type { RouteChoice } from './route-choice.ts';
import type { HttpVersion } from './sides.ts';

/** What came of a request. */
export interface RequestFacts {
  readonly status: number;
  readonly grpcStatus: number;
  readonly reason: string;
  readonly durationMs: number;
  readonly retries: number;
  readonly endpoint: BalancedEndpoint | undefined;
  /** The head that the client sent, while it is there. */
  readonly head: RequestHead | undefined;
  /** Else the head that went to the server, encoded for its version: what was rewritten is seen as it went out. */
  readonly sent: SentHead | undefined;
}

interface SentHead {
  readonly head: Buffer;
  readonly version: HttpVersion;
}

/** The line of the access log about a request. */
export function requestEntry(
  pod: Pod,
  frontend: ServicePortView,
  choice: RouteChoice,
  facts: RequestFacts,
): AccessEntry {
  const { spec } = pod;
  const { service, port } = frontend;
  const { endpoint } = facts.endpoint ?? {};
  const { rule } = choice;
  return {
    time: Date.now(),
    access: 'request',
    source: `${spec.namespace}/${spec.name}`,
    sourceWorkload: spec.workloadName,
    destination: `${service.namespace}/${service.name}:${port.port}`,
    ...(rule === undefined ? {} : { route: routeLabel(rule.rule) }),
    protocol: choice.protocol,
    ...(facts.head === undefined ? sentTarget(facts.sent) : headTarget(facts.head)),
    status: facts.status,
    ...(facts.grpcStatus < 0 ? {} : { grpcStatus: facts.grpcStatus }),
    ...(facts.reason === '' ? {} : { reason: facts.reason }),
    durationMs: Math.round(facts.durationMs * 1_000) / 1_000,
    ...(facts.retries === 0 ? {} : { retries: facts.retries }),
    ...(endpoint === undefined ? {} : { endpoint: hostPort(endpoint.address, endpoint.port) }),
  };
}

interface Target {
  readonly method?: string;
  readonly path?: string;
}

function headTarget({ headers, methodStart, methodEnd, pathStart, pathEnd }: RequestHead): Target {
  const { buffer, byteOffset, length } = headers.buffer;
  const bytes = Buffer.from(buffer, byteOffset, length);
  return {
    method: bytes.toString('latin1', methodStart, methodEnd),
    path: bytes.toString('latin1', pathStart, pathEnd),
  };
}

function sentTarget(sent: SentHead | undefined): Target {
  if (sent === undefined || sent.head.length === 0) return {};
  const { head, version } = sent;
  if (version === 1) {
    const [method = '', target = ''] = head.toString('latin1', 0, head.indexOf('\r\n')).split(' ');
    return { method, path: withoutQuery(target) };
  }
  // Ours are encoded without state, so any decoder reads them; this is done for failures only, or where asked for.
  const fields = new HeaderScratch();
  new HpackDecoder({ maxTableSize: 0, maxListBytes: 1 << 20, maxFields: 1_000 }).decode(head, 0, head.length, fields);
  const bytes = Buffer.from(fields.buffer.buffer, fields.buffer.byteOffset, fields.buffer.length);
  const value = (name: string): string => {
    for (let at = 0; at < fields.count * 4; at += 4) {
      const [start, end, from, to] = fields.ranges.subarray(at, at + 4);
      if (bytes.toString('latin1', start, end) === name) return bytes.toString('latin1', from, to);
    }
    return '';
  };
  return { method: value(':method'), path: withoutQuery(value(':path')) };
}

function withoutQuery(target: string): string {
  const at = target.indexOf('?');
  return at < 0 ? target : target.slice(0, at);
}
