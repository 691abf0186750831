/** Where the server is, seen from the client: on the other node, or on the client's own. */
export type Placement = 'across' | 'same-node';

/** What is done in a case. */
export type Load =
  /** Closed loop, HTTP/1.1, by wrk: each connection sends its next request when the last is answered. */
  | {
      readonly kind: 'http1';
      readonly connections: number;
      readonly path: string;
      /** A new connection for each request. */
      readonly closing: boolean;
    }
  /** Closed loop, HTTP/2 with prior knowledge, by h2load: requests, or unary gRPC calls. */
  | { readonly kind: 'http2'; readonly connections: number; readonly streams: number; readonly grpc: boolean }
  /** Calls that stay open, with messages there and back on each, as fast as they go. */
  | { readonly kind: 'grpc-stream'; readonly connections: number; readonly streams: number }
  /** Requests at fixed times whatever becomes of them, so that waiting is part of the latency. */
  | { readonly kind: 'open-loop'; readonly perSecond: number }
  /** As many bytes as go through, by iperf3. */
  | { readonly kind: 'bulk'; readonly streams: number }
  /** Nothing: pods that only exist. */
  | { readonly kind: 'idle'; readonly pods: number; readonly workers: number };

/** Something to measure. */
export interface BenchCase {
  readonly id: string;
  readonly title: string;
  readonly placement: Placement;
  readonly load: Load;
  /** Tulle's agents run with `--same-node direct`. */
  readonly direct?: true;
}

const smallPath = '/';
const largePath = '/100k';

function http1(connections: number, placement: Placement): BenchCase {
  const where = placement === 'across' ? 'across nodes' : 'on one node';
  return {
    id: `http1-c${connections}${placement === 'across' ? '' : '-same-node'}`,
    title: `HTTP/1.1, ${connections} connection${connections === 1 ? '' : 's'}, ${where}`,
    placement,
    load: { kind: 'http1', connections, path: smallPath, closing: false },
  };
}

function bulk(streams: number): BenchCase {
  return {
    id: `tcp-${streams}-stream${streams === 1 ? '' : 's'}`,
    title: `bulk TCP, ${streams} stream${streams === 1 ? '' : 's'}, across nodes`,
    placement: 'across',
    load: { kind: 'bulk', streams },
  };
}

const directTitle = 'HTTP/1.1, 32 connections, on one node, Tulle with --same-node direct';

/** Every case, in the order of a round. */
export const benchCases: readonly BenchCase[] = [
  http1(1, 'across'),
  http1(32, 'across'),
  http1(256, 'across'),
  http1(1, 'same-node'),
  http1(32, 'same-node'),
  http1(256, 'same-node'),
  { ...http1(32, 'same-node'), id: 'http1-c32-same-node-direct', title: directTitle, direct: true },
  {
    id: 'http2-c32x10',
    title: 'HTTP/2, 32 connections of 10 streams, across nodes',
    placement: 'across',
    load: { kind: 'http2', connections: 32, streams: 10, grpc: false },
  },
  {
    id: 'grpc-unary-c32x10',
    title: 'gRPC unary, 32 connections of 10 streams, across nodes',
    placement: 'across',
    load: { kind: 'http2', connections: 32, streams: 10, grpc: true },
  },
  {
    id: 'grpc-stream-c32x10',
    title: 'gRPC streaming, 32 connections of 10 streams, a message there and back at a time, across nodes',
    placement: 'across',
    load: { kind: 'grpc-stream', connections: 32, streams: 10 },
  },
  {
    id: 'http1-new-connection',
    title: 'HTTP/1.1, 32 at a time, a new connection for each request, across nodes',
    placement: 'across',
    load: { kind: 'http1', connections: 32, path: smallPath, closing: true },
  },
  {
    id: 'http1-100k',
    title: 'HTTP/1.1, 32 connections, 100 KB responses, across nodes',
    placement: 'across',
    load: { kind: 'http1', connections: 32, path: largePath, closing: false },
  },
  {
    id: 'latency-1000rps',
    title: 'HTTP/1.1, open loop at 1,000 requests a second, across nodes',
    placement: 'across',
    load: { kind: 'open-loop', perSecond: 1000 },
  },
  bulk(1),
  bulk(8),
  {
    id: 'idle-200-pods',
    title: '200 idle pods on a node, 2 workers',
    placement: 'same-node',
    load: { kind: 'idle', pods: 200, workers: 2 },
  },
];

/** The bytes of a body of 100 KB. */
export const largeBodyBytes = 100_000;
