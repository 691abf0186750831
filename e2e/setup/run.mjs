// The one entry of every npm command. It runs on whatever Node the machine has (18 or newer), brings what the workspace
// needs (pnpm's packages with our own Node 26 among them, and Debian's packages that are missing), and then runs the
// command asked for on our own Node. Idempotent: when nothing is missing it costs a fraction of a second.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { prepare, root, workspaceNode } from './prepare.mjs';

/** Debian packages by the command that each is needed for: the demo needs `base` alone. */
const needs = {
  test: ['base', 'test'],
  bench: ['base', 'bench'],
  proofs: ['base', 'test', 'bench'],
  soak: ['base', 'test'],
  default: ['base'],
};

const [command = 'setup', ...args] = process.argv.slice(2);

/** The steps of each command: programs of the workspace's own Node, run one after the other. */
const commands = {
  setup: [],
  demo: [['e2e/src/demo/main.ts', ...args]],
  test: [['e2e/setup/test.mjs', ...args]],
  check: [['e2e/setup/test.mjs', '--only', 'static']],
  proofs: [['e2e/setup/test.mjs', '--only', 'proofs', ...args]],
  soak: [['e2e/src/soak/main.ts', ...args]],
  bench: [['e2e/bench/main.ts', ...args]],
  'bench:translate': [['packages/translate/bench/scale.ts', ...args]],
  generate: [['packages/gateway-api/generate.ts', ...args]],
  cluster: [['e2e/cluster/src/main.ts', ...args]],
  conformance: [['e2e/conformance/main.ts', ...args]],
  // `quick-start`, `uninstall`, … : proofs on the real cluster, a program each.
  prove: [[`e2e/cluster/test/${args[0]}.ts`, ...args.slice(1)]],
};

const steps = commands[command];
if (steps === undefined) {
  process.stderr.write(`tulle: there is no command "${command}"; it is one of ${Object.keys(commands).join(', ')}\n`);
  process.exit(2);
}

try {
  await prepare(needs[command] ?? needs.default);
} catch (error) {
  process.stderr.write(`tulle: set-up failed: ${error.message}\n${error.hint ? `  Try: ${error.hint}\n` : ''}`);
  process.exit(1);
}
for (const [program, ...rest] of steps) {
  if (!existsSync(join(root, program))) {
    process.stderr.write(`tulle: ${program} is missing from this checkout\n`);
    process.exit(1);
  }
  const status = await run(workspaceNode(), ['--disable-warning=ExperimentalWarning', join(root, program), ...rest]);
  if (status !== 0) process.exit(status);
}

function run(file, argv) {
  return new Promise((resolve) => {
    const child = spawn(file, argv, { cwd: root, stdio: 'inherit', env: withWorkspacePath() });
    for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
    child.on('error', (error) => {
      process.stderr.write(`tulle: cannot run ${file}: ${error.message}\n`);
      resolve(1);
    });
    child.on('exit', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 1)));
  });
}

function withWorkspacePath() {
  return { ...process.env, PATH: `${join(root, 'node_modules', '.bin')}:${process.env.PATH ?? ''}` };
}
