import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { formatNames, formats } from './formats.ts';
import { fieldPath, itemPath, scalar, show, shorten, type ObjectIssue } from './object-error.ts';
import type { PatternCache } from './patterns.ts';
import type { Schema } from './schema.ts';
import { suggest } from './suggest.ts';

/** Checks a value against a schema and fills defaults into it; gives back what is wrong, each place once. */
export type StructureCheck = (value: unknown) => readonly ObjectIssue[];

/** Compiles schemas; patterns are matched by `patterns`, never by the backtracking engine. */
export class StructureCompiler {
  readonly #ajv: Ajv;

  constructor(patterns: PatternCache) {
    const regExp = Object.assign(
      (pattern: string) => ({ test: (subject: string) => patterns.test(pattern, subject), toString: () => pattern }),
      { code: 'linear' },
    );
    this.#ajv = new Ajv({
      allErrors: true,
      verbose: true,
      useDefaults: true,
      ownProperties: true,
      strict: false,
      logger: false,
      formats,
      // ajv's interface asks for its RegExp-like class; only `test` is ever called.
      code: { regExp },
    });
  }

  compile(schema: Schema): StructureCheck {
    const validate: ValidateFunction = this.#ajv.compile(schema);
    return (value) => (validate(value) ? [] : issuesOf(validate.errors ?? [], value));
  }
}

function issuesOf(errors: readonly ErrorObject[], root: unknown): readonly ObjectIssue[] {
  const issues = new Map<string, ObjectIssue>();
  for (const error of errors) {
    const place = pathOf(error.instancePath, root);
    const issue = error.keyword === 'required' ? missing(place, error) : describe(place, error);
    const before = issues.get(issue.path);
    // A value that is too long does not match its pattern either: saying so twice helps nobody.
    if (before === undefined || rank(issue) < rank(before)) issues.set(issue.path, issue);
  }
  return [...issues.values()];
}

const rank = (issue: ObjectIssue) => (issue.expected?.startsWith('pattern') === true ? 1 : 0);

/** Turns a JSON pointer into a path as people write it, telling lists from objects by the value itself. */
function pathOf(pointer: string, root: unknown): string {
  let path = '';
  let value = root;
  for (const part of pointer.split('/').slice(1)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
    const isList = Array.isArray(value);
    path = isList ? itemPath(path, Number(name)) : fieldPath(path, name);
    value = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
  }
  return path;
}

function missing(place: string, error: ErrorObject): ObjectIssue {
  const { missingProperty } = error.params as { readonly missingProperty: string };
  return { code: 'required', path: fieldPath(place, missingProperty), message: 'is required', expected: 'a value' };
}

function describe(path: string, error: ErrorObject): ObjectIssue {
  const { data, keyword } = error;
  const schema = (error.parentSchema ?? {}) as Schema;
  const issue = (message: string, expected: string): ObjectIssue => ({
    code: 'value',
    path,
    message,
    expected,
    ...scalar(data),
  });
  switch (keyword) {
    case 'type': {
      const expected = typeNames(schema);
      return { ...issue(`expected ${expected}, got ${show(data)}`, expected), code: 'type' };
    }
    case 'minimum':
      return issue(`${show(data)} is less than the minimum ${schema.minimum}`, `at least ${schema.minimum}`);
    case 'maximum':
      return issue(`${show(data)} is more than the maximum ${schema.maximum}`, `at most ${schema.maximum}`);
    case 'minLength':
      if (data === '') return issue('must not be empty', 'at least 1 character');
      return issue(`${show(data)} is shorter than ${schema.minLength} characters`, `at least ${schema.minLength}`);
    case 'maxLength':
      return {
        ...issue(
          `is ${String(data).length} characters long, at most ${schema.maxLength} are allowed`,
          `at most ${schema.maxLength} characters`,
        ),
        code: 'size',
      };
    case 'minItems':
    case 'minProperties': {
      const least = keyword === 'minItems' ? schema.minItems : schema.minProperties;
      const message = `has ${sizeOf(data)} entries, at least ${least} must be given`;
      return { ...issue(message, `at least ${least}`), code: 'size' };
    }
    case 'maxItems':
    case 'maxProperties': {
      const most = keyword === 'maxItems' ? schema.maxItems : schema.maxProperties;
      return { ...issue(`has ${sizeOf(data)} entries, at most ${most} are allowed`, `at most ${most}`), code: 'size' };
    }
    case 'enum':
      return { ...notOneOf(issue, data, schema.enum ?? []), code: 'choice' };
    case 'pattern':
      return issue(notMatching(data, schema.pattern ?? ''), `pattern ${schema.pattern}`);
    case 'format':
      return issue(`${show(data)} is not ${formatNames[schema.format ?? ''] ?? schema.format}`, schema.format ?? '');
    default:
      return issue(error.message ?? 'is not valid', keyword);
  }
}

function notOneOf(
  issue: (message: string, expected: string) => ObjectIssue,
  data: unknown,
  values: readonly unknown[],
): ObjectIssue {
  const words = values.map(String);
  const found = issue(`${show(data)} is not one of ${words.join(', ')}`, words.join(', '));
  const suggestion = typeof data === 'string' ? suggest(data, words) : undefined;
  return suggestion === undefined ? found : { ...found, suggestion };
}

/** The patterns that people meet most, in words. */
const patternNames: Readonly<Record<string, string>> = {
  '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$': 'a DNS label: lower-case letters, digits and "-"',
  '^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$':
    'a DNS name: lower-case letters, digits, "-" and "."',
  '^$|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$':
    'an API group: a DNS name, or empty for the core group',
  '^(\\*\\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$':
    'a host name: a DNS name in lower case, the first label may be "*"',
  '^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$': 'a kind: letters, digits and "-", beginning with a letter',
  "^[A-Za-z0-9!#$%&'*+\\-.^_\\x60|~]+$": 'a header name (an HTTP token)',
  '^([0-9]{1,5}(h|m|s|ms)){1,4}$': 'a duration such as 500ms, 10s or 1h30m',
};

function notMatching(data: unknown, pattern: string): string {
  const name = Object.hasOwn(patternNames, pattern) ? patternNames[pattern] : undefined;
  return name === undefined ? `${show(data)} does not match ${shorten(pattern, 120)}` : `${show(data)} is not ${name}`;
}

const typeWords: Readonly<Record<string, string>> = {
  object: 'an object',
  array: 'a list',
  string: 'a string',
  integer: 'an integer',
  number: 'a number',
  boolean: 'true or false',
};

function typeNames(schema: Schema): string {
  const types = typeof schema.type === 'string' ? [schema.type] : (schema.type ?? []);
  return types.map((type) => typeWords[type] ?? type).join(' or ');
}

function sizeOf(data: unknown): number {
  if (Array.isArray(data)) return data.length;
  return typeof data === 'object' && data !== null ? Object.keys(data).length : 0;
}
