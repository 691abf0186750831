import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createColors } from 'picocolors';
import { buildProgram, runCli, type CliContext } from '../src/index.ts';

/** A directory that is removed when it is disposed. */
export async function temporaryDirectory(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'tulle-cli-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** An admin endpoint that answers each path with what `answers` says: a document, or a status and a body. */
export async function fakeController(
  socketPath: string,
  answers: Readonly<Record<string, object | { status: number; body: string }>>,
): Promise<{ requests: string[] } & AsyncDisposable> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    const answer = answers[request.url ?? ''];
    if (answer !== undefined && 'body' in answer) response.writeHead(answer.status).end(answer.body);
    else response.writeHead(answer === undefined ? 404 : 200).end(JSON.stringify(answer ?? {}));
  });
  await mkdir(dirname(socketPath), { recursive: true });
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  return {
    requests,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** What a run of `tulle` gave. */
export interface CliRun {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** Runs `tulle` in this process. */
export async function tulle(
  args: readonly string[],
  options: { env?: Record<string, string>; colors?: boolean } = {},
): Promise<CliRun> {
  let out = '';
  let err = '';
  const context: CliContext = {
    env: options.env ?? {},
    colors: createColors(options.colors ?? false),
    print: (text) => void (out += text),
    printError: (text) => void (err += text),
  };
  const status = await runCli(buildProgram(context), args, context);
  return { status, out, err };
}
