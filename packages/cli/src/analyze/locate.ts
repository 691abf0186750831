import { parsePath } from '@tulle/gateway-api';
import type { ManifestObject } from '@tulle/manifests';
import { isNode, LineCounter, parseAllDocuments } from 'yaml';
import type { Document } from 'yaml';

/** The path at the beginning of a message, such as `rules[0].backendRefs[1]`. */
const leadingPath = /^(?:spec\.)?[a-zA-Z]+(?:\.[a-zA-Z]+|\[\d+\])+/;

/** Finds the lines of fields; each file is parsed once, when something in it is asked for. */
export class FieldLocator {
  readonly #texts: ReadonlyMap<string, string>;
  readonly #parsed = new Map<string, { readonly documents: readonly Document[]; readonly lines: LineCounter }>();

  constructor(texts: ReadonlyMap<string, string>) {
    this.#texts = texts;
  }

  /** The line of the field that a message begins with, or of what is there of it; else the line of the object. */
  lineOf({ file, line }: ManifestObject, message: string): number {
    const path = leadingPath.exec(message)?.[0];
    if (path === undefined) return line;
    const { documents, lines } = this.#parse(file);
    const document = documents.find((one) => this.#startOf(one, lines) === line);
    if (document === undefined) return line;
    const parts = parsePath(path.startsWith('spec.') ? path : `spec.${path}`).map((part) =>
      /^\d+$/.test(part) ? Number(part) : part,
    );
    for (let length = parts.length; length > 0; length--) {
      const node = document.getIn(parts.slice(0, length), true);
      if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
    }
    return line;
  }

  #startOf(document: Document, lines: LineCounter): number {
    return lines.linePos(document.contents?.range?.[0] ?? 0).line;
  }

  #parse(file: string) {
    const known = this.#parsed.get(file);
    if (known !== undefined) return known;
    const lines = new LineCounter();
    const documents: readonly Document[] = parseAllDocuments(this.#texts.get(file) ?? '', { lineCounter: lines });
    const parsed = { documents, lines };
    this.#parsed.set(file, parsed);
    return parsed;
  }
}
