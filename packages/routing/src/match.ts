import { equalsBytes } from '@tulle/core';
import type { RequestHead } from '@tulle/core';
import type { HttpMatch, StringMatch } from '@tulle/ir';
import { RE2JS } from 're2js';
import { lowerBytes, utf8 } from './bytes.ts';
import type { HeaderSlots } from './header-values.ts';
import type { QuerySlots } from './query-values.ts';
import type { CompiledRule } from './rule.ts';

/** One header or query parameter of a match, ready to compare: a slot, and a value or an expression. */
export interface ValueCheck {
  readonly slot: number;
  readonly exact: Buffer | undefined;
  readonly regex: RE2JS | undefined;
}

function compileCheck(slot: number, match: StringMatch): ValueCheck {
  return match.type === 'exact'
    ? { slot, exact: utf8(match.value), regex: undefined }
    : { slot, exact: undefined, regex: RE2JS.compile(match.value) };
}

/** Of several checks of one slot only the first counts, as the Gateway API has it for equal names. */
function firstOfEachSlot(checks: readonly ValueCheck[]): ValueCheck[] {
  return checks.filter((check, i) => checks.findIndex((other) => other.slot === check.slot) === i);
}

/** What tells most: a certain value, else an expression. An empty value is no key: a missing Host equals it, too. */
function keyOf(checks: readonly ValueCheck[]): ValueCheck | undefined {
  return checks.find(({ exact }) => exact !== undefined && exact.length > 0) ?? checks.find(({ regex }) => regex);
}

/** The parts of a match besides its path, and where it leads. */
export class CompiledMatch {
  /** Its place in the order of precedence. */
  readonly order: number;
  readonly rule: CompiledRule;
  /** The check of a header, or of a query parameter, that an index goes by: without it nothing holds. */
  readonly headerKey: ValueCheck | undefined;
  readonly queryKey: ValueCheck | undefined;
  private readonly method: Buffer | undefined;
  private readonly headers: readonly ValueCheck[];
  private readonly query: readonly ValueCheck[];

  /** Makes slots for the names it asks for. Throws when an expression is not RE2 (translation has checked them). */
  constructor(order: number, match: HttpMatch, rule: CompiledRule, slots: { headers: HeaderSlots; query: QuerySlots }) {
    this.order = order;
    this.rule = rule;
    this.method = match.method === undefined ? undefined : utf8(match.method);
    this.headers = firstOfEachSlot(
      match.headers.map((header) => compileCheck(slots.headers.slotOf(lowerBytes(header.name)), header.match)),
    );
    this.query = firstOfEachSlot(
      match.queryParams.map((param) => compileCheck(slots.query.slotOf(utf8(param.name)), param.match)),
    );
    this.headerKey = keyOf(this.headers);
    this.queryKey = keyOf(this.query);
  }

  /** Whether everything but the path holds. */
  holds(head: RequestHead, headerSlots: HeaderSlots, querySlots: QuerySlots): boolean {
    const { method, headers, query } = this;
    if (method !== undefined && !equalsBytes(head.headers.buffer, head.methodStart, head.methodEnd, method)) {
      return false;
    }
    for (let i = 0; i < headers.length; i++) {
      const check = headers[i] as ValueCheck;
      if (check.exact !== undefined) {
        if (!headerSlots.equals(head, check.slot, check.exact)) return false;
      } else if (!fullMatch(check.regex, headerSlots.text(head, check.slot))) return false;
    }
    for (let i = 0; i < query.length; i++) {
      const check = query[i] as ValueCheck;
      if (check.exact !== undefined) {
        if (!querySlots.equals(head, check.slot, check.exact)) return false;
      } else if (!fullMatch(check.regex, querySlots.text(head, check.slot))) return false;
    }
    return true;
  }
}

function fullMatch(regex: RE2JS | undefined, text: string | undefined): boolean {
  return regex !== undefined && text !== undefined && regex.testExact(text);
}
