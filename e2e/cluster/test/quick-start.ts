// Types the README's Kubernetes quick start word by word, and compares what it shows with what the README says:
// `node e2e/cluster/test/quick-start.ts [--name CLUSTER]`. Half a minute on a cluster that is up.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { isDeepStrictEqual } from 'node:util';
import { parseAllDocuments } from 'yaml';
import { defaultClusterName, repository } from '../src/settings.ts';
import { codeBlocks, missingLines, section, unlikeCounts } from './document.ts';
import { Proof } from './proof.ts';

const title = 'Kubernetes quick start';

/** The longest that one command may take: the first brings a cluster up, from nothing if it must. */
const commandTimeoutMs = 1_800_000;

/** How far counts of requests may be from those in the README, of their sum. */
const tolerance = 0.02;

/** A person's terminal: a shell that is typed into, line by line. */
class Terminal implements Disposable {
  readonly #shell: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;

  constructor(name: string) {
    const environment = { ...process.env, TULLE_CLUSTER: name, SHELL: '/bin/bash' };
    // Unlike others, it reads no further than the line that it runs: what follows is for the shell within.
    this.#shell = spawn('/bin/bash', { cwd: repository, env: environment });
    this.#shell.stderr.resume();
    this.#shell.stdin.on('error', () => {});
    this.#lines = createInterface({ input: this.#shell.stdout })[Symbol.asyncIterator]();
  }

  /** Types a command; gives the lines that it printed. Throws when it fails. */
  async type(command: string): Promise<string[]> {
    const mark = 'the-command-ended-with';
    // A line of its own: what was typed stays as it is.
    this.#shell.stdin.write(`${command}\nprintf '\\n%s %s\\n' ${mark} "$?"\n`);
    const timer = setTimeout(() => this.#shell.kill('SIGKILL'), commandTimeoutMs);
    try {
      const printed: string[] = [];
      for (;;) {
        const { value, done } = await this.#lines.next();
        if (done === true) throw new Error(`the shell ended in: ${command}`);
        if (!value.startsWith(mark)) {
          printed.push(value);
          continue;
        }
        if (value === `${mark} 0`) return printed;
        throw new Error(`${value}: ${command}\n${printed.slice(-10).join('\n')}`);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  [Symbol.dispose](): void {
    this.#shell.kill('SIGKILL');
  }
}

const { values: options } = parseArgs({ options: { name: { type: 'string', default: defaultClusterName() } } });
const readme = await readFile(join(repository, 'README.md'), 'utf8');
const blocks = codeBlocks(section(readme, title));
const proof = new Proof();
using terminal = new Terminal(options.name);

let holds = await proof.check('the README has the quick start', () => {
  if (blocks.filter(({ language }) => language === 'sh').length < 3) throw new Error(`no section "${title}"`);
  return `${blocks.length} blocks`;
});
let printed: string[] = [];
for (const { language, text } of blocks) {
  const lines = text.split('\n').filter((line) => line !== '');
  if (language === 'sh') {
    for (const line of lines) {
      // What follows makes no sense when a command has failed.
      if (!holds) break;
      holds = await proof.check(`$ ${line}`, async () => {
        printed = await terminal.type(line);
        return printed.findLast((each) => each.trim() !== '')?.trim() ?? '';
      });
    }
  } else if (holds) {
    const shown = printed;
    await proof.check(`  shows the ${lines.length} lines that the README says`, () => {
      const missing = missingLines(lines, shown);
      if (missing.length > 0) throw new Error(`not so: ${missing[0]}\n      but:\n      ${shown.join('\n      ')}`);
      const unlike = unlikeCounts(lines, shown, tolerance);
      if (unlike !== undefined) throw new Error(unlike);
      return '';
    });
  }
}
await proof.check("the README's route is that of the example", async () => {
  const [manifest] = codeBlocks(section(readme, 'What you do with it'));
  const file = await readFile(join(repository, 'examples/quick-start/cart-canary.yaml'), 'utf8');
  const routes = [manifest?.text ?? '', file].map((text) =>
    parseAllDocuments(text)
      .map((document) => document.toJS() as { kind: string })
      .find(({ kind }) => kind === 'HTTPRoute'),
  );
  if (!isDeepStrictEqual(routes[0], routes[1])) throw new Error('they differ');
  return '';
});
proof.finish();
