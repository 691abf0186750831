import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

/** What reached a server. A request counts once it is whole; what the server cannot read as HTTP counts, too. */
export class CountingServer {
  reached = 0;
  readonly server: Server;

  constructor() {
    // Lenient, so that what a proxy lets through is seen as a server less strict than ours would see it.
    this.server = createServer({ insecureHTTPParser: true, keepAlive: true }, (request, response) => {
      request.on('error', () => {});
      request.on('end', () => {
        if (request.complete) this.reached += 1;
        response.end('ok');
      });
      request.resume();
    });
    this.server.on('clientError', (_error: Error, socket: Socket) => socket.destroy());
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}

/** A proxy from Debian on Unix sockets, one for each version of HTTP, with a server of HTTP/1.1 of its own behind it. */
export interface Proxy {
  readonly backend: CountingServer;
  connect(): Promise<Socket>;
  connectHttp2(): Promise<Socket>;
  close(): Promise<void>;
}

const nginxConfig = (directory: string) => `daemon off;
user root;
worker_processes 1;
pid ${directory}/nginx.pid;
error_log ${directory}/nginx.log crit;
events { worker_connections 512; }
http {
  access_log off;
  client_body_temp_path ${directory}/body;
  proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi;
  scgi_temp_path ${directory}/scgi;
  upstream backend { server unix:${directory}/nginx-backend; }
  server {
    listen unix:${directory}/nginx;
    listen unix:${directory}/nginx-http2 http2;
    location / {
      proxy_pass http://backend;
      proxy_http_version 1.1;
      proxy_ignore_client_abort on;
    }
  }
}
`;

const haproxyConfig = (directory: string) => `global
  nbthread 1
defaults
  mode http
  timeout connect 2s
  timeout client 2s
  timeout server 2s
frontend front
  bind unix@${directory}/haproxy
  bind unix@${directory}/haproxy-http2 proto h2
  default_backend back
backend back
  server only unix@${directory}/haproxy-backend
`;

/** Starts nginx, its own configuration and nothing else. */
export async function startNginx(directory: string): Promise<Proxy> {
  writeFileSync(`${directory}/nginx.conf`, nginxConfig(directory));
  return await startProxy(directory, 'nginx', ['-c', `${directory}/nginx.conf`, '-e', `${directory}/nginx.log`]);
}

/** Starts haproxy, its own configuration and nothing else. */
export async function startHaproxy(directory: string): Promise<Proxy> {
  writeFileSync(`${directory}/haproxy.cfg`, haproxyConfig(directory));
  return await startProxy(directory, 'haproxy', ['-db', '-f', `${directory}/haproxy.cfg`]);
}

async function startProxy(directory: string, name: 'nginx' | 'haproxy', argv: readonly string[]): Promise<Proxy> {
  const backend = new CountingServer();
  backend.server.listen(`${directory}/${name}-backend`);
  await once(backend.server, 'listening');
  const path = `${directory}/${name}`;
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', name, ...argv], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await appears(`${path}-http2`, child);
  const connectTo = async (to: string): Promise<Socket> => {
    const socket = connect({ path: to, allowHalfOpen: true });
    socket.on('error', () => {});
    await once(socket, 'connect');
    return socket;
  };
  return {
    backend,
    connect: () => connectTo(path),
    connectHttp2: () => connectTo(`${path}-http2`),
    close: async () => {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
      await backend.close();
    },
  };
}

/** The proxies say nothing when they listen: their socket appears. */
async function appears(path: string, child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    if (existsSync(path)) return;
    if (child.exitCode !== null) break;
    await wait(10);
  }
  throw new Error(`${child.spawnargs.join(' ')} did not listen on ${path}`);
}
