import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { fakeController, temporaryDirectory, tulle } from './fake-controller.ts';
import { statusView } from './views.ts';

const answers = { '/v1/status': statusView };

describe('which mesh is meant', () => {
  it('none runs: the next step is to start one', async () => {
    await using directory = await temporaryDirectory();
    expect(await tulle(['status'], { env: { TULLE_PLAYGROUND_ROOT: join(directory.path, 'none') } })).toEqual({
      status: 1,
      out: '',
      err: 'tulle: no playground is running, and no mesh was named\n  Try: tulle playground up DIR   (a directory of Kubernetes manifests), or --kubeconfig FILE for a cluster\n',
    });
  });

  it('one runs: it is found, whatever dead ones and stray files lie beside it', async () => {
    await using directory = await temporaryDirectory();
    const env = { TULLE_PLAYGROUND_ROOT: directory.path };
    await writeFile(join(directory.path, 'demo.lock'), '');
    await mkdir(join(directory.path, 'dead'));
    await mkdir(join(directory.path, 'No Playground'));
    const dead = createServer();
    await new Promise<void>((resolve) => dead.listen(join(directory.path, 'dead/controller.sock'), resolve));
    await new Promise<void>((resolve) => dead.close(() => resolve()));
    await using _ = await fakeController(join(directory.path, 'demo/controller.sock'), answers);
    expect(await tulle(['status'], { env })).toMatchObject({ status: 0, err: '' });
  });

  it('several run: one must be named, by option or environment', async () => {
    await using directory = await temporaryDirectory();
    const env = { TULLE_PLAYGROUND_ROOT: directory.path };
    await using one = await fakeController(join(directory.path, 'one/controller.sock'), answers);
    await using two = await fakeController(join(directory.path, 'two/controller.sock'), answers);
    expect(await tulle(['status'], { env })).toEqual({
      status: 1,
      out: '',
      err: 'tulle: 2 playgrounds are running: one, two\n  Try: --playground one\n',
    });
    expect(await tulle(['status', '--playground', 'two'], { env })).toMatchObject({ status: 0 });
    expect(await tulle(['status'], { env: { ...env, TULLE_PLAYGROUND: 'one' } })).toMatchObject({ status: 0 });
    expect([one.requests, two.requests]).toEqual([['GET /v1/status'], ['GET /v1/status']]);
  });

  it('a name that does not exist: the ones that do are named', async () => {
    await using directory = await temporaryDirectory();
    await mkdir(join(directory.path, 'demo'));
    const { status, err } = await tulle(['status', '--playground', 'dmo'], {
      env: { TULLE_PLAYGROUND_ROOT: directory.path },
    });
    expect({ status, err }).toEqual({
      status: 1,
      err: 'tulle: there is no playground "dmo"\n  Try: one of these: demo\n',
    });
  });

  it('one that does not answer', async () => {
    await using directory = await temporaryDirectory();
    await mkdir(join(directory.path, 'demo'));
    const { status, err } = await tulle(['status', '--playground', 'demo'], {
      env: { TULLE_PLAYGROUND_ROOT: directory.path },
    });
    expect(status).toBe(1);
    expect(err).toMatch(
      /^tulle: cannot reach the controller of the playground "demo": .*ENOENT.*\n {2}Try: tulle playground status --name demo\n$/,
    );
  });

  it('a controller by its address', async () => {
    await using directory = await temporaryDirectory();
    const socket = join(directory.path, 'c.sock');
    await using controller = await fakeController(socket, answers);
    expect(await tulle(['status', '--controller', `unix:${socket}`])).toMatchObject({ status: 0 });
    expect(await tulle(['status'], { env: { TULLE_CONTROLLER: `unix:${socket}` } })).toMatchObject({ status: 0 });
    expect(controller.requests).toHaveLength(2);
    expect(await tulle(['status', '--controller', 'http://c'])).toMatchObject({
      status: 1,
      err: 'tulle: the controller\'s address is unix:PATH, not "http://c"\n',
    });
  });

  it('version works without a mesh, unless one was named', async () => {
    await using directory = await temporaryDirectory();
    const env = { TULLE_PLAYGROUND_ROOT: directory.path };
    expect((await tulle(['version'], { env })).out).toMatch(
      /^client {7}\S+ {3}Node v\d+\S*\ncontroller {3}none found\n$/,
    );
    expect(await tulle(['version', '--playground', 'demo'], { env })).toMatchObject({ status: 1 });
    await using _ = await fakeController(join(directory.path, 'demo/controller.sock'), answers);
    expect((await tulle(['version'], { env })).out).toMatch(/controller {3}0\.1\.0\n$/);
  });
});
