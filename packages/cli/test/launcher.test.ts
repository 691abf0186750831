import { spawnSync } from 'node:child_process';
import { copyFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { temporaryDirectory } from './fake-controller.ts';

const launcher = join(import.meta.dirname, '../../../tulle');
const nodeDirectory = dirname(process.execPath);
const architecture = process.arch;

function run(file: string, args: readonly string[], options: { cwd?: string; path?: string } = {}) {
  const { status, stdout, stderr } = spawnSync(file, args, {
    cwd: options.cwd ?? '/',
    encoding: 'utf8',
    env: { PATH: options.path ?? '/usr/bin:/bin' },
  });
  return { status, out: stdout, err: stderr };
}

describe('the launcher', () => {
  it('works from any directory, without a node on the PATH, and passes the exit status on', () => {
    expect(run(launcher, ['--version'])).toEqual({ status: 0, out: '0.1.0\n', err: '' });
    expect(run(launcher, ['no-such-command'])).toMatchObject({ status: 2, out: '' });
  });

  it('works through links, absolute and relative, and by a relative path', async () => {
    await using directory = await temporaryDirectory();
    await mkdir(join(directory.path, 'bin'));
    await symlink(launcher, join(directory.path, 'tulle'));
    await symlink('../tulle', join(directory.path, 'bin/kubectl-tulle'));
    expect(run(join(directory.path, 'bin/kubectl-tulle'), ['--version'])).toMatchObject({ status: 0, out: '0.1.0\n' });
    expect(run('kubectl-tulle', ['-V'], { path: `${directory.path}/bin:/usr/bin:/bin` })).toMatchObject({ status: 0 });
    expect(run('./tulle', ['--version'], { cwd: directory.path })).toMatchObject({ status: 0 });
    expect(run('sh', ['tulle', '--version'], { cwd: dirname(launcher) })).toMatchObject({ status: 0 });
  });

  it('passes arguments on as they are', () => {
    const { err } = run(launcher, ['describe', 'service', 'a b', '-n', '*']);
    expect(err).toBe('tulle: "a b" names no object: NS/NAME is expected, or NAME with -n NAMESPACE\n');
  });

  it('does the set-up first when it was never done, its progress on standard error', async () => {
    await using directory = await temporaryDirectory();
    const file = await checkoutWithoutSetup(directory.path);
    const { status, out, err } = run(file, ['x'], { path: `${nodeDirectory}:/usr/bin:/bin` });
    expect({ status, out, err }).toEqual({ status: 0, out: 'cli: x\n', err: 'set-up: working\n' });
    expect(run(file, ['y'])).toEqual({ status: 0, out: 'cli: y\n', err: '' });
  });

  it('says what is missing when the set-up cannot be done', async () => {
    await using directory = await temporaryDirectory();
    const file = await checkoutWithoutSetup(directory.path);
    await mkdir(join(directory.path, 'bin'));
    for (const tool of ['uname', 'readlink', 'sh'])
      await symlink(`/usr/bin/${tool}`, join(directory.path, 'bin', tool));
    expect(run(file, [], { path: join(directory.path, 'bin') })).toMatchObject({
      status: 1,
      out: '',
      err: expect.stringMatching(/^tulle: the set-up needs a Node\.js .*\n {2}Try: /),
    });
  });
});

/** A checkout whose set-up makes a stand-in for the workspace's Node, which prints its arguments. */
async function checkoutWithoutSetup(root: string): Promise<string> {
  await mkdir(join(root, 'e2e/setup'), { recursive: true });
  const node = `node_modules/node-linux-${architecture}/bin`;
  await writeFile(
    join(root, 'e2e/setup/run.mjs'),
    `import { mkdirSync, writeFileSync } from 'node:fs';
     process.chdir(${JSON.stringify(root)});
     console.log('set-up: working');
     mkdirSync('${node}', { recursive: true });
     writeFileSync('${node}/node', '#!/bin/sh\\nshift 2\\necho "cli: $*"\\n', { mode: 0o755 });
     writeFileSync('node_modules/.tulle-setup', '');`,
  );
  await copyFile(launcher, join(root, 'tulle'));
  return join(root, 'tulle');
}
