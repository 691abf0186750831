import { createColors } from 'picocolors';

const colors = createColors(process.stdout.isTTY ? (process.env['NO_COLOR'] ?? '') === '' : false);

/** One line of the demo: a promise, whether it was kept, and the figures that show it. */
export interface Chapter {
  readonly name: string;
  readonly ok: boolean;
  readonly text: string;
  readonly figures: Readonly<Record<string, unknown>>;
}

/** The demo's output: a line for each chapter as it happens, or one JSON document at the end. */
export class Story {
  readonly #chapters: Chapter[] = [];
  readonly #json: boolean;
  #title = '';

  constructor(json: boolean) {
    this.#json = json;
  }

  title(text: string): void {
    this.#title = text;
    if (!this.#json) process.stdout.write(`${colors.bold(text)}\n`);
  }

  tell(chapter: Chapter): void {
    this.#chapters.push(chapter);
    if (this.#json) return;
    const mark = chapter.ok ? colors.green(' ok ') : colors.red(' !! ');
    process.stdout.write(`${mark} ${chapter.name.padEnd(18)} ${chapter.text}\n`);
  }

  /** A line that is no chapter: what to do next. */
  say(text: string): void {
    if (!this.#json) process.stdout.write(`${text}\n`);
  }

  get ok(): boolean {
    return this.#chapters.every((chapter) => chapter.ok);
  }

  /** Prints the JSON document, where that is what was asked for. */
  end(): void {
    if (!this.#json) return;
    const document = { apiVersion: 'demo.tulle.dev/v1', title: this.#title, ok: this.ok, chapters: this.#chapters };
    process.stdout.write(`${JSON.stringify(document, undefined, 2)}\n`);
  }
}
