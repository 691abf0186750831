/** What kind of mistake an {@link ObjectError} is about. */
export type ObjectErrorCode =
  /** The input is no object, or has no usable apiVersion or kind. */
  | 'not-an-object'
  /** The kind is none that this package decodes; `suggestion` is set when it looks like a misspelt one. */
  | 'unknown-kind'
  /** The kind is known, but not in this group or version. */
  | 'unknown-version'
  /** Too deep, too many values or too much text: nothing else was looked at. */
  | 'too-large'
  /** A field that the schema does not know. It is dropped; this is only ever a warning. */
  | 'unknown-field'
  | 'required'
  | 'type'
  /** Of the right type, but out of range, or not of the form that its pattern or format asks for. */
  | 'value'
  /** None of the allowed words. */
  | 'choice'
  /** A list, map or text with too many or too few entries or characters. */
  | 'size'
  | 'duplicate'
  /** A rule of the CRD (CEL) or of the kind does not hold. */
  | 'rule'
  /** A name, label or annotation breaks the rules of metadata. */
  | 'metadata'
  /** A defect of the decoder itself. */
  | 'internal';

/** One mistake in an object, worded for the person who wrote it. */
export interface ObjectError {
  readonly code: ObjectErrorCode;
  /** The object, as far as it could be told: `HTTPRoute shop/canary`. */
  readonly object: string;
  /** Where in the object: `spec.rules[0].backendRefs[1].weight`; empty for the object as a whole. */
  readonly path: string;
  /** What is wrong there: `-1 is less than the minimum 0`. */
  readonly message: string;
  /** The value found, when it is a short one. */
  readonly value?: string | number | boolean;
  /** What was expected: a type, a limit, the allowed values. */
  readonly expected?: string;
  /** What was probably meant. */
  readonly suggestion?: string;
}

/** A mistake before it is known which object it is in. */
export type ObjectIssue = Omit<ObjectError, 'object'>;

/** `spec.rules[0].weight: -1 is less than the minimum 0`. */
export function formatObjectIssue(issue: ObjectIssue): string {
  const meant = issue.suggestion === undefined ? '' : ` (did you mean ${issue.suggestion}?)`;
  return issue.path === '' ? `${issue.message}${meant}` : `${issue.path}: ${issue.message}${meant}`;
}

/** `HTTPRoute shop/canary: spec.rules[0].weight: -1 is less than the minimum 0`. */
export function formatObjectError(error: ObjectError): string {
  return error.object === '' ? formatObjectIssue(error) : `${error.object}: ${formatObjectIssue(error)}`;
}

/** The path of a field of the object at `path`; names that are no plain words stand in brackets. */
export function fieldPath(path: string, name: string): string {
  if (!isPlainName(name)) return `${path}[${shorten(name, 80)}]`;
  return path === '' ? name : `${path}.${name}`;
}

/** The path of an item of the list at `path`. */
export function itemPath(path: string, index: number): string {
  return `${path}[${index}]`;
}

/** Takes a path apart into the names and indexes it is made of, as far as its names were not cut. */
export function parsePath(path: string): readonly string[] {
  const parts: string[] = [];
  let at = 0;
  while (at < path.length) {
    const isBracket = path[at] === '[';
    if (isBracket || path[at] === '.') at += 1;
    let end = at;
    while (end < path.length && (isBracket ? path[end] !== ']' : path[end] !== '.' && path[end] !== '[')) end += 1;
    parts.push(path.slice(at, end));
    at = isBracket ? end + 1 : end;
  }
  return parts;
}

function isPlainName(name: string): boolean {
  if (name.length === 0 || name.length > 80) return false;
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i) | 32;
    const isLetter = code >= 97 && code <= 122;
    const isDigit = name.charCodeAt(i) >= 48 && name.charCodeAt(i) <= 57;
    if (!isLetter && !isDigit && name[i] !== '_' && name[i] !== '-' && name[i] !== '$') return false;
  }
  return true;
}

/** A value as a person reads it in a message: quoted if it is a string, cut if it is long. */
export function show(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(shorten(value, 80));
    case 'number':
    case 'boolean':
      return String(value);
    case 'object':
      if (value === null) return 'null';
      return Array.isArray(value) ? 'a list' : 'an object';
    default:
      return typeof value;
  }
}

/** `text`, cut to `length` characters. */
export function shorten(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length)}…`;
}

/** The value itself if it is a scalar that is short enough to carry around. */
export function scalar(value: unknown): { readonly value?: string | number | boolean } {
  if (typeof value === 'number' || typeof value === 'boolean') return { value };
  return typeof value === 'string' ? { value: shorten(value, 253) } : {};
}
