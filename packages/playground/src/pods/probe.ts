import { spawn } from 'node:child_process';
import { request } from 'node:http';
import { Socket } from 'node:net';
import { errorMessage } from '@tulle/core';
import { openTcpSocket } from '@tulle/linux';
import type { NetworkNamespace } from '@tulle/linux';
import type { ProbeAction } from '../cluster/probe-spec.ts';
import type { CommandLine } from './command-line.ts';

/** What a probe found: undefined when all is well, else what is wrong. */
export type ProbeFinding = string | undefined;

/** What a probe needs to know of the container that it looks at. */
export interface ProbeTarget {
  readonly ip: string;
  /** The node's network namespace: probes come from there, as a kubelet's do. */
  readonly nodeNetns: NetworkNamespace;
  /** A port by number, or by the name that the container gave it. */
  readonly port: (reference: number | string) => number | undefined;
  readonly commandLine: (command: readonly string[]) => CommandLine;
}

/** Does one probe. It ends within `timeoutMs`. */
export async function probeOnce(action: ProbeAction, target: ProbeTarget, timeoutMs: number): Promise<ProbeFinding> {
  try {
    switch (action.kind) {
      case 'tcpSocket':
        return await tcpProbe(connect(target, action.port), timeoutMs);
      case 'httpGet':
        return await httpProbe(action, target, timeoutMs);
      case 'exec':
        return await execProbe(target.commandLine(action.command), timeoutMs);
    }
  } catch (error) {
    return errorMessage(error);
  }
}

function connect(target: ProbeTarget, reference: number | string): Socket {
  const port = target.port(reference);
  if (port === undefined) throw new Error(`the container has no port named "${reference}"`);
  const fd = target.nodeNetns.run(() => openTcpSocket({ destination: target.ip, mark: 0 }));
  return new Socket({ fd }).connect(port, target.ip);
}

function tcpProbe(socket: Socket, timeoutMs: number): Promise<ProbeFinding> {
  return new Promise((resolve) => {
    const finish = (finding: ProbeFinding) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(finding);
    };
    const timer = setTimeout(() => finish(`no connection within ${timeoutMs} ms`), timeoutMs);
    socket.on('error', (error) => finish(error.message));
    socket.on('connect', () => finish(undefined));
  });
}

function httpProbe(
  action: Extract<ProbeAction, { kind: 'httpGet' }>,
  target: ProbeTarget,
  timeoutMs: number,
): Promise<ProbeFinding> {
  const socket = connect(target, action.port);
  return new Promise((resolve) => {
    const finish = (finding: ProbeFinding) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(finding);
    };
    const timer = setTimeout(() => finish(`no answer within ${timeoutMs} ms`), timeoutMs);
    socket.on('error', (error) => finish(error.message));
    const headers = Object.fromEntries([
      ['Host', `${target.ip}:${target.port(action.port)}`],
      ['User-Agent', 'kube-probe/playground'],
      ['Connection', 'close'],
      ...action.headers.map(({ name, value }) => [name, value]),
    ]) as { [name: string]: string };
    const sent = request({ path: action.path, headers, createConnection: () => socket }, (response) => {
      const status = response.statusCode ?? 0;
      response.resume();
      finish(status >= 200 && status < 400 ? undefined : `HTTP probe failed with status code ${status}`);
    });
    sent.on('error', (error) => finish(error.message));
    sent.end();
  });
}

function execProbe(line: CommandLine, timeoutMs: number): Promise<ProbeFinding> {
  return new Promise((resolve) => {
    const child = spawn(line.file, line.args, {
      env: line.env,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        if (said.length < 200) said += text;
      });
    }
    child.on('error', (error) => resolve(error.message));
    // Not "close": a program that the probe left running in the background keeps the pipes open.
    child.on('exit', (code, signal) => {
      child.stdout.destroy();
      child.stderr.destroy();
      if (code === 0) resolve(undefined);
      else
        resolve(
          signal === null ? `exit status ${code}: ${said.trim().slice(0, 200)}` : `no end within ${timeoutMs} ms`,
        );
    });
  });
}
