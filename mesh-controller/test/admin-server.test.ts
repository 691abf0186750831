import { spawnSync } from 'node:child_process';
import { stat, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { RecordingLogger, temporaryDirectory } from '@tulle/testkit';
import { AdminError, notFound } from '../src/admin/admin-error.ts';
import { AdminServer, type AdminHandler } from '../src/admin/admin-server.ts';

function ask(socketPath: string, path: string, method = 'GET'): Promise<{ status: number; body: unknown }> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, path, method }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) as unknown }));
    });
    call.on('error', reject).end();
  });
}

describe('AdminServer', () => {
  async function serve(handler: AdminHandler) {
    const directory = temporaryDirectory();
    const logger = new RecordingLogger();
    const server = new AdminServer(handler, logger);
    const socket = directory.file('admin.sock');
    await server.listen(socket);
    const close = async () => {
      await server.close();
      directory[Symbol.dispose]();
    };
    return { socket, logger, [Symbol.asyncDispose]: close };
  }

  it('answers GET with the document, given the parts of the path and the query', async () => {
    await using server = await serve(({ segments, query }) => ({ segments, namespace: query.get('namespace') }));
    expect(await ask(server.socket, '/v1/services/shop/c%61rt?namespace=qa')).toEqual({
      status: 200,
      body: { segments: ['v1', 'services', 'shop', 'cart'], namespace: 'qa' },
    });
  });

  it('answers errors as JSON with code, message and hint', async () => {
    await using server = await serve(({ segments }) => {
      throw segments[0] === 'a'
        ? notFound('Service shop/carts', 'cart')
        : new AdminError(503, 'Syncing', 'not yet', 'wait');
    });
    expect(await ask(server.socket, '/a')).toEqual({
      status: 404,
      body: { error: { code: 'NotFound', message: 'there is no Service shop/carts (did you mean "cart"?)' } },
    });
    expect(await ask(server.socket, '/b')).toEqual({
      status: 503,
      body: { error: { code: 'Syncing', message: 'not yet', hint: 'wait' } },
    });
  });

  it('a handler that fails is an error of ours, logged', async () => {
    await using server = await serve(() => {
      throw new TypeError('boom');
    });
    expect(await ask(server.socket, '/')).toEqual({
      status: 500,
      body: { error: { code: 'Internal', message: 'boom' } },
    });
    expect(server.logger.lines).toMatchObject([{ level: 'error', fields: { error: 'boom' } }]);
  });

  it('answers nothing but GET and POST, and no target that is no path', async () => {
    await using server = await serve(() => ({}));
    expect(await ask(server.socket, '/', 'PUT')).toMatchObject({ status: 405 });
    expect(await ask(server.socket, '/%zz')).toMatchObject({ status: 400 });
  });

  it('lets only its own user connect', async () => {
    await using server = await serve(() => ({}));
    expect((await stat(server.socket)).mode & 0o777).toBe(0o600);
  });

  it('takes the place of a socket that nobody listens on, of nothing else', async () => {
    using directory = temporaryDirectory();
    const stale = directory.file('stale.sock');
    // A process that dies leaves its socket behind; a server that is closed removes it.
    spawnSync(process.execPath, [
      '-e',
      `require('net').createServer().listen(${JSON.stringify(stale)}, () => process.kill(process.pid, 'SIGKILL'))`,
    ]);
    expect((await stat(stale)).isSocket()).toBe(true);
    await using server = new AdminServer(() => ({}), new RecordingLogger());
    await server.listen(stale);
    expect(await ask(stale, '/')).toMatchObject({ status: 200 });

    await using second = new AdminServer(() => ({}), new RecordingLogger());
    await expect(second.listen(stale)).rejects.toMatchObject({ code: 'SocketInUse' });
    await writeFile(directory.file('file'), '');
    await expect(second.listen(directory.file('file'))).rejects.toMatchObject({ code: 'CannotListen' });
    await expect(second.listen(directory.file('x'.repeat(200)))).rejects.toMatchObject({ code: 'CannotListen' });
    await expect(second.listen(directory.file('no/such'))).rejects.toMatchObject({ code: 'CannotListen' });
  });
});
