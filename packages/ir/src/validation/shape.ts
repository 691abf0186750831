import type { Check } from './inspection.ts';

/** A string of at most `maxLength` characters. */
export function text(maxLength = 4096): Check {
  return (value, inspection) => {
    if (typeof value !== 'string') inspection.report(`expected a string, found ${shown(value)}`);
    else if (value.length > maxLength) inspection.report(`longer than ${maxLength} characters`);
  };
}

export const boolean: Check = (value, inspection) => {
  if (typeof value !== 'boolean') inspection.report(`expected true or false, found ${shown(value)}`);
};

/** A whole number between bounds, both included. */
export function integer(min: number, max: number = Number.MAX_SAFE_INTEGER): Check {
  return (value, inspection) => {
    const fits = typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;
    if (!fits) inspection.report(`expected a whole number from ${min} to ${max}, found ${shown(value)}`);
  };
}

/** A number above zero, whole or not. */
export const positiveNumber: Check = (value, inspection) => {
  const fits = typeof value === 'number' && Number.isFinite(value) && value > 0;
  if (!fits) inspection.report(`expected a number above 0, found ${shown(value)}`);
};

/** One of the values given. */
export function oneOf(...allowed: readonly (string | number)[]): Check {
  return (value, inspection) => {
    if (allowed.some((one) => one === value)) return;
    inspection.report(`expected one of ${allowed.join(', ')}, found ${shown(value)}`);
  };
}

/** A list, each entry as given. */
export function list(entry: Check, maxLength = 100_000): Check {
  return (value, inspection) => {
    if (!Array.isArray(value)) return inspection.report(`expected a list, found ${shown(value)}`);
    if (value.length > maxLength) return inspection.report(`more than ${maxLength} entries`);
    for (const [index, one] of (value as readonly unknown[]).entries()) {
      if (inspection.isFull) return;
      inspection.enter(index, entry, one);
    }
  };
}

/** An object with these members; others are passed over, so that a newer controller may add some. */
export function record(
  required: Readonly<Record<string, Check>>,
  optional: Readonly<Record<string, Check>> = {},
): Check {
  const members = [
    ...Object.entries(required).map(([name, check]) => ({ name, check, needed: true })),
    ...Object.entries(optional).map(([name, check]) => ({ name, check, needed: false })),
  ];
  return (value, inspection) => {
    if (!isObject(value)) return inspection.report(`expected an object, found ${shown(value)}`);
    for (const { name, check, needed } of members) {
      const member = value[name];
      if (member !== undefined || needed) inspection.enter(name, check, member);
    }
  };
}

/** An object used as a map: any names, each member as given. */
export function mapOf(member: Check): Check {
  return (value, inspection) => {
    if (!isObject(value)) return inspection.report(`expected an object, found ${shown(value)}`);
    for (const [name, one] of Object.entries(value)) {
      if (inspection.isFull) return;
      inspection.enter(name, member, one);
    }
  };
}

/** An object of several forms, told apart by the member named `tag`. */
export function tagged(tag: string, forms: Readonly<Record<string, Check>>): Check {
  const checks = new Map(Object.entries(forms));
  const known = oneOf(...checks.keys());
  return (value, inspection) => {
    if (!isObject(value)) return inspection.report(`expected an object, found ${shown(value)}`);
    const found = value[tag];
    const check = typeof found === 'string' ? checks.get(found) : undefined;
    if (check === undefined) inspection.enter(tag, known, found);
    else check(value, inspection);
  };
}

/**
 * `check`, and then, where it found nothing wrong, what it cannot say; `rule` gives a place in the value and a message.
 * The parameter of `rule` is the type that `check` stands for.
 */
export function withRule(
  check: Check,
  rule: (value: never) => { readonly at: readonly (string | number)[]; readonly message: string } | undefined,
): Check {
  return (value, inspection) => {
    const before = inspection.problems.length;
    check(value, inspection);
    if (inspection.problems.length > before) return;
    const broken = rule(value as never);
    if (broken === undefined) return;
    const report = broken.at.reduceRight<Check>(
      (inner, part) => (_, place) => place.enter(part, inner, undefined),
      (_, place) => place.report(broken.message),
    );
    report(value, inspection);
  };
}

/** The word `any`, or what `check` takes: never an absent field, for that must not open a port. */
export function anyOr(check: Check): Check {
  return (value, inspection) => {
    if (value !== 'any') check(value, inspection);
  };
}

/** Whether a value is an object that is no list. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  try {
    return (JSON.stringify(value) ?? typeof value).slice(0, 80);
  } catch {
    return typeof value;
  }
}
