import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { largeBodyBytes } from '../cases.ts';
import { nginxConfig } from '../nginx.ts';
import { backendPorts, routeHeader } from './peer.ts';
import type { PodProgram } from './peer.ts';

const streamServer = join(import.meta.dirname, '../load/grpc-stream-server.ts');

/** What the backends answer at `/`. */
const smallBody = 'a small answer, the same from every backend of the benchmark\n';

/** The path of the gRPC method that the backends answer, and its request and response: one message of five bytes. */
export const grpcPath = '/bench.Echo/Unary';
export const grpcMessage: Buffer = Buffer.from([0, 0, 0, 0, 5, 0x0a, 3, 0x62, 0x65, 0x6e]);

/** The path of the streaming method, which a program behind nginx answers. */
export const grpcStreamPath = '/bench.Echo/Stream';
const streamPort = 8085;

function config(directory: string): string {
  const server = (version: 'v1' | 'v2', port: number, protocol = '') => `
  server {
    listen ${port}${protocol};
    location = / { return 200 '${smallBody.replace('\n', '\\n')}'; }
    location = /which { return 200 '${version} $http_${routeHeader.name.replaceAll('-', '_')}\\n'; }
    location = /100k { alias ${directory}/100k; }
    location = ${grpcPath} {
      alias ${directory}/grpc;
      default_type application/grpc;
      add_trailer grpc-status 0 always;
      error_page 405 =200 $uri;
    }
    location = ${grpcStreamPath} {
      grpc_pass grpc://127.0.0.1:${streamPort};
      grpc_read_timeout 1h;
      grpc_send_timeout 1h;
      client_body_timeout 1h;
      client_max_body_size 0;
    }
  }`;
  const servers = [
    server('v1', backendPorts.v1),
    server('v2', backendPorts.v2),
    server('v1', backendPorts.h2v1, ' http2'),
    server('v2', backendPorts.h2v2, ' http2'),
  ];
  return nginxConfig(directory, servers.join(''));
}

/**
 * The programs of every server pod, the same for all peers: an nginx with both backends, on the machine's last core, the
 * server of streaming calls behind it, and an iperf3. `directory` is the pod's own.
 */
export function backendPrograms(directory: string): PodProgram[] {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, '100k'), randomBytes(largeBodyBytes));
  writeFileSync(join(directory, 'grpc'), grpcMessage);
  writeFileSync(join(directory, 'nginx.conf'), config(directory));
  const core = `${availableParallelism() - 1}`;
  const nginx = ['taskset', '-c', core, 'nginx', '-e', 'stderr', '-p', directory, '-c', join(directory, 'nginx.conf')];
  const streams = [process.execPath, '--disable-warning=ExperimentalWarning', streamServer, `${streamPort}`];
  return [
    { name: 'grpc-streams', command: streams, ports: [] },
    { name: 'nginx', command: nginx, ports: [backendPorts.v1, backendPorts.v2, backendPorts.h2v1, backendPorts.h2v2] },
    { name: 'iperf3', command: ['iperf3', '-s', '-p', `${backendPorts.bulk}`], ports: [backendPorts.bulk] },
  ];
}
