import { celEnv, celMethod, celFunc, CelScalar, isCelError, parse, plan, type CelInput } from '@bufbuild/cel';
import { strings } from '@bufbuild/cel/ext';
import { errorMessage } from '@tulle/core';
import { isDnsSubdomain, isIpAddress, isQualifiedName } from './names.ts';
import type { PatternCache } from './patterns.ts';

/** The outcome of one rule: it holds, it does not, or it could not be evaluated. */
export type RuleOutcome =
  { readonly type: 'holds' } | { readonly type: 'broken' } | { readonly type: 'failed'; readonly message: string };

/** A value as CEL takes it. */
export type CelObject = CelInput;

const holds: RuleOutcome = { type: 'holds' };
const broken: RuleOutcome = { type: 'broken' };

type Program = (context: Readonly<Record<string, CelInput>>) => unknown;

const { BOOL, DYN, STRING } = CelScalar;

/** The named formats of Kubernetes' CEL library that rules use. */
const namedFormats: Readonly<Record<string, (text: string) => boolean>> = {
  dns1123Subdomain: isDnsSubdomain,
  qualifiedName: isQualifiedName,
};

/**
 * What Kubernetes adds to CEL, as far as the rules use it. `format.NAME().validate(text).hasValue()` asks whether there
 * are errors; a format is stood for by its name and the optional list of errors by whether there are any.
 */
const kubernetesFunctions = [
  celFunc('isIP', [STRING], BOOL, isIpAddress),
  ...Object.keys(namedFormats).map((name) => celMethod(name, DYN, [], STRING, () => name)),
  celMethod('validate', STRING, [STRING], BOOL, function (text) {
    return namedFormats[this]?.(text) !== true;
  }),
  celMethod('hasValue', BOOL, [], BOOL, function () {
    return this;
  }),
];

/**
 * Evaluates the CEL rules of CRDs, with the functions that Kubernetes adds and the Gateway API's rules use. Programs
 * are made once. Regular expressions are RE2, matched in linear time.
 */
export class RuleEngine {
  readonly #environment;
  readonly #programs = new Map<string, Program>();

  constructor(patterns: PatternCache) {
    this.#environment = celEnv({
      funcs: [...strings, ...kubernetesFunctions],
      re2: { compile: (pattern) => ({ test: (text) => patterns.test(pattern, text) }) },
    });
  }

  /** Evaluates `rule`; integers are bigints, fields are named by {@link celFieldName}. */
  evaluate(rule: string, self: CelObject, oldSelf: CelObject): RuleOutcome {
    try {
      const outcome = this.#program(rule)({ self, oldSelf, format: 'format' });
      if (isCelError(outcome)) return { type: 'failed', message: outcome.message };
      return outcome === true ? holds : broken;
    } catch (thrown) {
      return { type: 'failed', message: errorMessage(thrown) };
    }
  }

  #program(rule: string): Program {
    const known = this.#programs.get(rule);
    if (known !== undefined) return known;
    const program: Program = plan(this.#environment, parse(rule));
    this.#programs.set(rule, program);
    return program;
  }
}

/** Whether `rule` compares with the object as it was, so that it is for updates only. */
export function isTransitionRule(rule: string): boolean {
  return /\boldSelf\b/.test(rule);
}

/** An integer as CEL knows it. */
export function celInteger(value: number): bigint | number {
  return Number.isSafeInteger(value) ? BigInt(value) : value;
}

const reserved: ReadonlySet<string> = new Set(
  (
    'true false null in as break const continue else for function if import let loop package namespace return var ' +
    'void while'
  ).split(' '),
);

/** A field's name as rules write it: CEL's reserved words stand between double underscores. */
export function celFieldName(name: string): string {
  return reserved.has(name) ? `__${name}__` : name;
}
