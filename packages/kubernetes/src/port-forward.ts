import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { PortForward } from '@kubernetes/client-node';
import type { KubernetesClient } from './client.ts';

/** A port of a pod. */
export interface PodPort {
  readonly namespace: string;
  readonly pod: string;
  readonly port: number;
}

/** A unix socket of this user that leads to a pod's port, through the API server. */
export interface ForwardedPort extends AsyncDisposable {
  readonly socketPath: string;
  close(): Promise<void>;
}

/**
 * Makes a port of a pod reachable, the pod's loopback ports, too. Each connection is carried over a WebSocket of its own;
 * one that cannot be made is closed at once, and `onError` is told why.
 */
export async function forwardPort(
  client: KubernetesClient,
  target: PodPort,
  onError: (error: unknown) => void,
): Promise<ForwardedPort> {
  const directory = mkdtempSync(join(tmpdir(), 'tulle-'));
  const socketPath = join(directory, 'forward.sock');
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    carry(client, target, socket).catch((error: unknown) => {
      onError(error);
      socket.destroy();
    });
  });
  const remove = () => rmSync(directory, { recursive: true, force: true });
  try {
    await listen(server, socketPath);
  } catch (error) {
    remove();
    throw error;
  }
  const close = async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
    remove();
  };
  return { socketPath, close, [Symbol.asyncDispose]: close };
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
}

async function carry(client: KubernetesClient, { namespace, pod, port }: PodPort, socket: Socket): Promise<void> {
  const { config } = client.connection;
  socket.on('error', () => socket.destroy());
  // What the socket sends before the WebSocket is there waits in the stream between.
  const input = new PassThrough();
  socket.pipe(input);
  const failures = new PassThrough();
  failures.on('data', () => socket.destroy());
  const carrier = await new PortForward(config).portForward(namespace, pod, [port], socket, failures, input);
  if (typeof carrier === 'function') return;
  carrier.onclose = () => socket.destroy();
  carrier.onerror = () => socket.destroy();
  socket.once('close', () => carrier.close());
}
