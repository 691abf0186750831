import { decodeObject, objectKey, parsePath, referenceIn, referenceOf } from '@tulle/gateway-api';
import type { DecodeOptions, ObjectDecoder, ObjectError } from '@tulle/gateway-api';
import type { ManifestObject, ManifestProblem } from './manifest.ts';
import { fileLimits, readYaml, type YamlDocument } from './yaml-document.ts';

/** How a file is read. */
export interface ReadOptions {
  /** The namespace of namespaced objects that name none; `default` unless said otherwise. */
  readonly defaultNamespace?: string;
  /** What objects are decoded with; unless said otherwise, as the API's experimental channel has them. */
  readonly decoder?: ObjectDecoder;
}

/** What a file says. */
export interface ManifestFile {
  readonly objects: readonly ManifestObject[];
  readonly problems: readonly ManifestProblem[];
  /** The keys of the objects that are there but not valid. */
  readonly invalidKeys: readonly string[];
  /** Whether something in the file could not be read so far as to know which object it is. */
  readonly isBroken: boolean;
}

/** At most this many problems of one file are listed. */
const maxProblems = 200;

/**
 * Reads a file of manifests: YAML with one or many documents, or JSON; an object a document, or a `kind: List` of them.
 * Never throws. An object with a mistake is left out and told of; the others are not harmed by it. `path` is only used
 * as a name.
 */
export function readManifestFile(path: string, text: string, options: ReadOptions = {}): ManifestFile {
  const reading = new FileReading(path, options);
  const refusal = refusalOf(text);
  if (refusal === undefined) reading.read(text);
  else reading.refuse(refusal.message, refusal.line);
  return reading.result();
}

/** The same, for what is known of a file without its text: that it could not be read. */
export function unreadableFile(path: string, message: string): ManifestFile {
  const reading = new FileReading(path, {});
  reading.refuse(message, 1);
  return reading.result();
}

function refusalOf(text: string): { readonly message: string; readonly line: number } | undefined {
  if (text.length > fileLimits.maxCharacters)
    return { message: `the file is too large: more than ${fileLimits.maxCharacters} characters`, line: 1 };
  const nul = text.indexOf('\0');
  if (nul < 0) return undefined;
  const line = text.slice(0, nul).split('\n').length;
  return { message: 'the file holds a NUL byte; is it a manifest?', line };
}

/** One object of a document: what it says and where. */
interface Entry {
  readonly input: unknown;
  readonly document: YamlDocument;
  /** Where it is in the document: nothing, or `items` and an index. */
  readonly base: readonly string[];
}

class FileReading {
  readonly #file: string;
  readonly #options: ReadOptions;
  readonly #objects: ManifestObject[] = [];
  readonly #problems: ManifestProblem[] = [];
  readonly #invalidKeys: string[] = [];
  #unlisted = 0;
  #isBroken = false;
  #count = 0;

  constructor(file: string, options: ReadOptions) {
    this.#file = file;
    this.#options = options;
  }

  result(): ManifestFile {
    const problems = [...this.#problems];
    if (this.#unlisted > 0) {
      const message = `and ${this.#unlisted} more problems in this file`;
      problems.push({ severity: 'error', file: this.#file, line: problems.at(-1)?.line ?? 1, message });
    }
    return { objects: this.#objects, problems, invalidKeys: this.#invalidKeys, isBroken: this.#isBroken };
  }

  #note(problem: () => ManifestProblem): void {
    if (this.#problems.length < maxProblems) this.#problems.push(problem());
    else this.#unlisted += 1;
  }

  refuse(message: string, line: number): void {
    this.#note(() => ({ severity: 'error', file: this.#file, line, message }));
    this.#isBroken = true;
  }

  read(text: string): void {
    for (const document of readYaml(text)) {
      for (const { severity, line, column, message } of document.faults)
        this.#note(() => ({ severity, file: this.#file, line, column, message }));
      if (document.value === undefined) this.#isBroken = true;
      else for (const entry of this.#entriesOf(document)) this.#readEntry(entry);
    }
  }

  #entriesOf(document: YamlDocument): readonly Entry[] {
    const { value } = document;
    const items = listItems(value);
    if (items === undefined) return [{ input: value, document, base: [] }];
    if (!Array.isArray(items)) {
      const { line, column } = document.positionOf(['items']);
      this.#note(() => ({ severity: 'error', file: this.#file, line, column, message: 'a List must have items' }));
      this.#isBroken = true;
      return [];
    }
    return items.map((input: unknown, index) => ({ input, document, base: ['items', String(index)] }));
  }

  #readEntry(entry: Entry): void {
    this.#count += 1;
    if (this.#count > fileLimits.maxObjects) {
      if (this.#count === fileLimits.maxObjects + 1)
        this.refuse(`more than ${fileLimits.maxObjects} objects in one file`, entry.document.start.line);
      return;
    }
    const { input, document, base } = entry;
    const { defaultNamespace, decoder } = this.#options;
    const options: DecodeOptions = {
      status: 'drop',
      ...(defaultNamespace === undefined ? {} : { defaultNamespace }),
      onWarning: (warning) => this.#report('warning', warning, entry),
    };
    const decoded = decoder === undefined ? decodeObject(input, options) : decoder.decode(input, options);
    const hasFaults = document.faults.some(({ severity }) => severity === 'error');
    if (decoded.ok && !hasFaults) {
      const { line } = base.length === 0 ? document.start : document.positionOf(base);
      const key = objectKey(referenceOf(decoded.value));
      this.#objects.push({ key, object: decoded.value, file: this.#file, line, isStale: false });
      return;
    }
    if (!decoded.ok) {
      const [first] = decoded.error;
      if (first?.code === 'unknown-kind' && first.suggestion === undefined) {
        this.#report('warning', { ...first, message: `${first.message}; ignored` }, entry);
        return;
      }
      for (const error of decoded.error) this.#report('error', error, entry);
    }
    const reference = referenceIn(input, defaultNamespace);
    if (reference === undefined) this.#isBroken = true;
    else this.#invalidKeys.push(objectKey(reference));
  }

  #report(severity: 'error' | 'warning', error: ObjectError, { document, base }: Entry): void {
    this.#note(() => {
      const { line, column } = document.positionOf([...base, ...parsePath(error.path)]);
      const meant = error.suggestion === undefined ? '' : ` (did you mean ${error.suggestion}?)`;
      return {
        severity,
        file: this.#file,
        line,
        column,
        ...(error.object === '' ? {} : { object: error.object }),
        ...(error.path === '' ? {} : { path: error.path }),
        message: `${error.message}${meant}`,
      };
    });
  }
}

/** The items of a `kind: List` (or `ServiceList` and the like); undefined when the document is no list of objects. */
function listItems(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return undefined;
  const { kind } = value;
  if (typeof kind !== 'string' || !kind.endsWith('List')) return undefined;
  const isPlainList = kind === 'List' && (value as { apiVersion?: unknown }).apiVersion === 'v1';
  if (!isPlainList && !('items' in value)) return undefined;
  return 'items' in value ? value.items : null;
}
