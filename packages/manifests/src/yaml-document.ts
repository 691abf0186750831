import { Composer, LineCounter, Parser, isAlias, isMap, isPair, isScalar, isSeq, type CST, type Document } from 'yaml';
import type { Node } from 'yaml';
import { errorMessage } from '@tulle/core';

/** How large a file may be, and what is in it. */
export const fileLimits = {
  /** Characters of a file. */
  maxCharacters: 2 * 1024 * 1024,
  /** How deep its lists and maps may nest. */
  maxDepth: 64,
  /** Objects in a file. */
  maxObjects: 10_000,
  /** How many anchors and aliases a document may have, and how often the contents of anchors may be repeated. */
  maxAliases: 1_000,
} as const;

/** A place in a file, both from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Something that is wrong with the YAML itself. */
export interface YamlFault extends Position {
  readonly severity: 'error' | 'warning';
  readonly message: string;
}

/** One document of a file. */
export interface YamlDocument {
  /** Where its content begins. */
  readonly start: Position;
  /** Its content as plain data; undefined when it cannot be used at all. */
  readonly value: unknown;
  readonly faults: readonly YamlFault[];
  /** Where the value at `path` is, or the nearest thing above it that is there. */
  positionOf(path: readonly string[]): Position;
}

/**
 * Takes a file apart into its documents; those without content (comments only) are left out. A fault stays within its
 * document as far as YAML allows. Takes time in proportion to the text.
 */
export function readYaml(text: string): readonly YamlDocument[] {
  const lines = new LineCounter();
  const refusals: { readonly offset: number; readonly message: string }[] = [];
  const tokens: CST.Token[] = [];
  for (const token of new Parser(lines.addNewLine).parse(text)) {
    const refusal = token.type === 'document' ? refusalOf(token) : undefined;
    // The composer recurses, and renders keys that are lists or maps again at each level above.
    if (refusal === undefined) tokens.push(token);
    else refusals.push(refusal);
  }
  const composer = new Composer({
    prettyErrors: false,
    uniqueKeys: false,
    merge: true,
    lineCounter: lines,
    logLevel: 'error',
  });
  const documents = [...composer.compose(tokens)].flatMap((document) => readDocument(document, lines) ?? []);
  return [...documents, ...refusals.map(({ offset, message }) => refused(positionAt(lines, offset), message))].sort(
    (a, b) => a.start.line - b.start.line,
  );
}

/** A document of which nothing can be used. */
function refused(start: Position, message: string): YamlDocument {
  return {
    start,
    value: undefined,
    faults: [{ severity: 'error', message, ...start }],
    positionOf: () => start,
  };
}

function positionAt(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

/** What must be kept from the composer in a document, and where. */
function refusalOf(document: CST.Token): { readonly offset: number; readonly message: string } | undefined {
  const waiting: { readonly token: CST.Token; readonly depth: number }[] = [{ token: document, depth: 0 }];
  let aliases = 0;
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { token, depth } = next;
    // One level is the document itself.
    if (depth > fileLimits.maxDepth + 1)
      return { offset: token.offset, message: `nested deeper than ${fileLimits.maxDepth} levels` };
    // Each alias is looked for among all anchors.
    if (token.type === 'alias') aliases += 1;
    if (aliases > fileLimits.maxAliases)
      return { offset: token.offset, message: `more than ${fileLimits.maxAliases} anchors and aliases` };
    if ('items' in token)
      for (const { start, key, sep, value } of token.items) {
        aliases += countAnchors(start) + countAnchors(sep);
        if (key?.type === 'alias') aliases += 1;
        if (key && 'items' in key) return { offset: key.offset, message: 'a key must be a word, not a list or map' };
        if (value) waiting.push({ token: value, depth: depth + 1 });
      }
    if ('value' in token && token.value) waiting.push({ token: token.value, depth: depth + 1 });
  }
  return undefined;
}

function countAnchors(tokens: readonly CST.SourceToken[] | undefined): number {
  let count = 0;
  for (const { type } of tokens ?? []) if (type === 'anchor') count += 1;
  return count;
}

function readDocument(document: Document.Parsed, lines: LineCounter): YamlDocument | undefined {
  const contents = document.contents as Node | null;
  const start = positionAt(lines, contents?.range?.[0] ?? document.range[0]);
  const faults: YamlFault[] = [
    ...document.errors.map((error) => fault('error', error.message, positionAt(lines, error.pos[0]))),
    ...document.warnings.map((error) => fault('warning', error.message, positionAt(lines, error.pos[0]))),
  ];
  if (document.errors.length > 0) return { start, value: undefined, faults, positionOf: () => start };
  if (contents === null || (isScalar(contents) && contents.value === null)) return undefined;
  const duplicate = duplicateKeys(contents, lines);
  try {
    const value: unknown = document.toJS({ maxAliasCount: fileLimits.maxAliases });
    const positionOf = (path: readonly string[]) => positionAt(lines, offsetOf(document, contents, path));
    return { start, value, faults: [...faults, ...duplicate], positionOf };
  } catch (thrown) {
    const reason = errorMessage(thrown);
    const isBomb = reason.includes('Excessive alias count');
    return refused(start, isBomb ? 'aliases repeat too much: it looks like a bomb' : `not valid YAML: ${reason}`);
  }
}

function fault(severity: 'error' | 'warning', message: string, position: Position): YamlFault {
  return { severity, message: `not valid YAML: ${message.split('\n')[0] ?? ''}`, ...position };
}

/** Every key that its map has twice. (The library's own search takes quadratic time.) */
function duplicateKeys(contents: Node, lines: LineCounter): readonly YamlFault[] {
  const faults: YamlFault[] = [];
  const waiting: unknown[] = [contents];
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (isSeq(node)) for (const item of node.items) waiting.push(item);
    if (!isMap(node)) continue;
    const seen = new Set<string>();
    for (const { key, value } of node.items) {
      if (value !== null && value !== undefined) waiting.push(value);
      if (!isScalar(key)) continue;
      const name = String(key.value);
      if (seen.has(name) && name !== '<<') {
        const at = positionAt(lines, key.range?.[0] ?? 0);
        faults.push({ severity: 'error', message: `the key "${name.slice(0, 80)}" is there twice`, ...at });
      }
      seen.add(name);
    }
  }
  return faults;
}

/** The offset of the key (or list item) at `path`, or of the last part of it that is there. */
function offsetOf(document: Document.Parsed, contents: Node, path: readonly string[]): number {
  let node: unknown = contents;
  let offset = contents.range?.[0] ?? 0;
  for (const part of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === part);
      if (!isPair(pair)) return offset;
      if (isScalar(pair.key)) offset = pair.key.range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(part)];
      offset = rangeStart(node) ?? offset;
    } else return offset;
  }
  return offset;
}

function rangeStart(node: unknown): number | undefined {
  return isMap(node) || isSeq(node) || isScalar(node) || isAlias(node) ? node.range?.[0] : undefined;
}
