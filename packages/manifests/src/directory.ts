import { isUtf8 } from 'node:buffer';
import { constants, watch, type FSWatcher } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage, silentLogger, systemClock, type Clock, type Logger, type Timer } from '@tulle/core';
import type { ManifestProblem } from './manifest.ts';
import { readManifestFile, unreadableFile, type ManifestFile, type ReadOptions } from './read-file.ts';
import { changesBetween, combine, emptySnapshot, type ManifestChanges, type ManifestSnapshot } from './snapshot.ts';
import { fileLimits } from './yaml-document.ts';

/** How a directory is watched. */
export interface ManifestDirectoryOptions extends ReadOptions {
  /** Told after each change of the objects or problems; the first state is there when `open` returns. */
  readonly onChange?: (snapshot: ManifestSnapshot, changes: ManifestChanges) => void;
  readonly logger?: Logger;
  readonly clock?: Clock;
  /** How long to wait after a file system event for more of them; 10 by default. */
  readonly debounceMs?: number;
  /**
   * How long a file must stay away or empty before its objects are removed, since an editor may be in the middle of
   * writing it; 100 by default.
   */
  readonly settleMs?: number;
  /** How often to look for a directory that is not there; 250 by default. */
  readonly retryMs?: number;
}

/** More files than this are not read. */
const maxFiles = 5_000;

/** What is known of one file. */
interface KnownFile {
  /** What it said; undefined when it could not be read. */
  readonly text: string | undefined;
  readonly reading: ManifestFile;
  /** When it was first seen gone or empty; its objects are removed when that lasts. */
  readonly goneSinceMs?: number;
}

/** What one look at a file gave. */
type Look =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'unreadable'; readonly message: string }
  | { readonly type: 'gone' };

/**
 * The manifests (`*.yaml`, `*.yml`, `*.json`) of a directory, not of those below it, and what becomes of them.
 *
 * The last good state stays: see {@link combine}. A deleted file takes its objects along once it has been away for
 * `settleMs`; the same goes for a file that is empty. A directory that is not there, or no longer, is looked for again;
 * its objects stay until then.
 */
export class ManifestDirectory implements AsyncDisposable {
  readonly #directory: string;
  readonly #options: ManifestDirectoryOptions;
  readonly #logger: Logger;
  readonly #clock: Clock;
  #files = new Map<string, KnownFile>();
  #snapshot = emptySnapshot;
  #watcher: FSWatcher | undefined;
  /** Which directory the watcher watches: device and inode. */
  #watched = '';
  #timer: Timer | undefined;
  #timerDueMs = 0;
  #scan: Promise<void> = Promise.resolve();
  #isOpen = false;
  #isClosed = false;

  private constructor(directory: string, options: ManifestDirectoryOptions) {
    this.#directory = directory;
    this.#options = options;
    this.#logger = options.logger ?? silentLogger;
    this.#clock = options.clock ?? systemClock;
  }

  /** Reads the directory and begins to watch it. Never fails: what is wrong is in the snapshot's problems. */
  static async open(directory: string, options: ManifestDirectoryOptions = {}): Promise<ManifestDirectory> {
    const opened = new ManifestDirectory(directory, options);
    opened.#scan = opened.#read();
    await opened.#scan;
    opened.#isOpen = true;
    return opened;
  }

  /** The state as it is now. */
  get snapshot(): ManifestSnapshot {
    return this.#snapshot;
  }

  /** Stops watching; when it returns, nothing is called any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#watcher?.close();
    await this.#scan;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Watches the directory, unless it is the one that is watched already. */
  async #watch(): Promise<void> {
    const { dev, ino } = await stat(this.#directory);
    const identity = `${dev} ${ino}`;
    if (this.#watcher !== undefined && this.#watched === identity) return;
    this.#unwatch();
    if (this.#isClosed) return;
    this.#watched = identity;
    try {
      const watcher = watch(this.#directory, () => this.#readSoon(this.#options.debounceMs ?? 10));
      watcher.on('error', (error) => {
        this.#logger.warn('watching the manifests failed', { directory: this.#directory, error: error.message });
        this.#unwatch();
        this.#readSoon(this.#options.retryMs ?? 250);
      });
      this.#watcher = watcher;
    } catch (thrown) {
      this.#logger.warn('the manifests cannot be watched, only looked at', { error: errorMessage(thrown) });
    }
  }

  #unwatch(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  /** Reads after `delayMs`, or earlier if that was asked for already. */
  #readSoon(delayMs: number): void {
    const dueMs = this.#clock.monotonicMs() + delayMs;
    if (this.#isClosed || (this.#timer !== undefined && this.#timerDueMs <= dueMs)) return;
    this.#timer?.cancel();
    this.#timerDueMs = dueMs;
    this.#timer = this.#clock.after(delayMs, () => {
      this.#timer = undefined;
      this.#scan = this.#scan.then(() => this.#read());
    });
  }

  async #read(): Promise<void> {
    if (this.#isClosed) return;
    const problems: ManifestProblem[] = [];
    try {
      await this.#watch();
      const names = await this.#names();
      if (names.length > maxFiles) problems.push(this.#problem(`more than ${maxFiles} files, the rest is not read`));
      await this.#readFiles(new Set(names.slice(0, maxFiles)));
    } catch (thrown) {
      this.#unwatch();
      problems.push(this.#problem(`the directory cannot be read: ${errorMessage(thrown)}`));
    }
    this.#publish(problems);
    if (this.#watcher === undefined) this.#readSoon(this.#options.retryMs ?? 250);
    else if (this.#files.values().some(({ goneSinceMs }) => goneSinceMs !== undefined)) this.#readSoon(this.#settleMs);
  }

  get #settleMs(): number {
    return this.#options.settleMs ?? 100;
  }

  async #names(): Promise<readonly string[]> {
    const entries = await readdir(this.#directory);
    return entries.filter((name) => /^[^.].*\.(yaml|yml|json)$/.test(name)).sort();
  }

  async #readFiles(present: ReadonlySet<string>): Promise<void> {
    const files = new Map<string, KnownFile>();
    for (const name of new Set([...present, ...this.#files.keys()])) {
      const look = present.has(name) ? await lookAt(join(this.#directory, name)) : ({ type: 'gone' } as const);
      const known = this.#next(name, look, this.#files.get(name));
      if (known !== undefined) files.set(name, known);
    }
    this.#files = files;
  }

  /** What is known of a file after a look at it; undefined when it is gone for good. */
  #next(name: string, look: Look, last: KnownFile | undefined): KnownFile | undefined {
    switch (look.type) {
      case 'text': {
        const isEmpty = look.text.trim() === '';
        if (isEmpty && last !== undefined && this.#hasObjects(name)) return this.#waitOrDrop(name, last, look.text);
        const isSame = last?.text === look.text && last.goneSinceMs === undefined;
        return isSame ? last : { text: look.text, reading: readManifestFile(name, look.text, this.#options) };
      }
      case 'unreadable':
        return { text: undefined, reading: unreadableFile(name, look.message) };
      case 'gone':
        return last === undefined ? undefined : this.#waitOrDrop(name, last, undefined);
    }
  }

  #hasObjects(name: string): boolean {
    return this.#snapshot.objects.values().some(({ file }) => file === name);
  }

  /** Keeps what a file that is gone or empty said, until that has lasted long enough. */
  #waitOrDrop(name: string, last: KnownFile, text: string | undefined): KnownFile | undefined {
    const now = this.#clock.monotonicMs();
    const goneSinceMs = last.goneSinceMs ?? now;
    if (now - goneSinceMs >= this.#settleMs)
      return text === undefined ? undefined : { text, reading: readManifestFile(name, text) };
    // As a broken file it keeps its objects, but yields each that another file (its new name, say) defines.
    const reading = { objects: [], invalidKeys: [], problems: last.reading.problems, isBroken: true };
    return { text: last.text, reading, goneSinceMs };
  }

  #publish(problems: readonly ManifestProblem[]): void {
    const before = this.#snapshot;
    const readings = new Map([...this.#files].map(([name, { reading }]) => [name, reading]));
    const after = combine(before, readings, problems);
    const changes = changesBetween(before, after);
    const isSame =
      changes.added.length + changes.changed.length + changes.removed.length === 0 &&
      JSON.stringify(before.problems) === JSON.stringify(after.problems);
    this.#snapshot = after;
    if (isSame || !this.#isOpen || this.#isClosed) return;
    try {
      this.#options.onChange?.(after, changes);
    } catch (thrown) {
      this.#logger.error('a listener to manifests failed', { error: errorMessage(thrown) });
    }
  }

  #problem(message: string): ManifestProblem {
    return { severity: 'error', file: this.#directory, line: 1, message };
  }
}

/** Reads a file, bounded; what is no regular file does not exist here. */
async function lookAt(path: string): Promise<Look> {
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const status = await file.stat();
    if (!status.isFile()) return { type: 'gone' };
    if (status.size > fileLimits.maxCharacters * 4) return { type: 'unreadable', message: 'the file is too large' };
    const bytes = await file.readFile();
    if (!isUtf8(bytes)) return { type: 'unreadable', message: 'the file is not UTF-8 text' };
    return { type: 'text', text: new TextDecoder().decode(bytes) };
  } catch (thrown) {
    if (isMissing(thrown)) return { type: 'gone' };
    return { type: 'unreadable', message: `the file cannot be read: ${errorMessage(thrown)}` };
  }
}

function isMissing(thrown: unknown): boolean {
  if (typeof thrown !== 'object' || thrown === null || !('code' in thrown)) return false;
  return thrown.code === 'ENOENT' || thrown.code === 'EISDIR';
}
