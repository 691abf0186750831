import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { PlaygroundClient } from '../../src/playground-client.ts';

/** How a connection of a {@link Talker} stands: why it ended (null while it has not), how often it was answered. */
export interface ConnectionState {
  readonly ended: string | null;
  readonly answered: number;
}

interface Answer {
  readonly id: number;
  readonly error?: string;
  readonly answer?: string;
  readonly connections?: Readonly<Record<string, ConnectionState>>;
}

/** Connections from a pod to servers that echo lines, held open as long as a test likes: the program talker.mjs. */
export class Talker implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #nextId = 1;

  constructor(playground: PlaygroundClient, pod: string) {
    this.#child = playground.startExec(pod, ['node', 'talker.mjs']);
    if (this.#child.stdout === null) throw new Error('the talker has no output');
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      const answer = JSON.parse(line) as Answer;
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
    });
  }

  /** Opens a connection; throws with its error where it could not be made. */
  async open(name: string, to: { readonly host: string; readonly port: number }): Promise<void> {
    await this.#ask({ command: 'open', name, ...to });
  }

  /** Says a line and gives what comes back; throws with the error when the connection breaks. */
  async say(name: string, text: string): Promise<string> {
    return (await this.#ask({ command: 'say', name, text })).answer ?? '';
  }

  /** Says line after line from now on, and hears each before the next. */
  async chatter(name: string): Promise<void> {
    await this.#ask({ command: 'chatter', name });
  }

  async state(): Promise<Readonly<Record<string, ConnectionState>>> {
    return (await this.#ask({ command: 'state' })).connections ?? {};
  }

  /** Ends a connection in good order; comes back when it is closed. */
  async close(name: string): Promise<void> {
    await this.#ask({ command: 'quiet', name });
    await this.#ask({ command: 'close', name });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.stdin?.end();
    await gone;
  }

  async #ask(command: { readonly command: string; readonly [field: string]: unknown }): Promise<Answer> {
    const id = this.#nextId++;
    const answered = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve));
    this.#child.stdin?.write(`${JSON.stringify({ id, ...command })}\n`);
    const answer = await answered;
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer;
  }
}
