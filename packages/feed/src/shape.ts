/** Checks a value from outside; gives what is wrong, with the place, or undefined. */
export type Check = (value: unknown, at: string) => string | undefined;

/** A string of at most `maxLength` characters. */
export function text(maxLength = 4096): Check {
  return (value, at) => {
    if (typeof value !== 'string') return `${at}: expected a string, found ${shown(value)}`;
    return value.length <= maxLength ? undefined : `${at}: longer than ${maxLength} characters`;
  };
}

export const boolean: Check = (value, at) =>
  typeof value === 'boolean' ? undefined : `${at}: expected true or false, found ${shown(value)}`;

/** A whole number between bounds, both included. */
export function integer(min: number, max: number = Number.MAX_SAFE_INTEGER): Check {
  return (value, at) => {
    const fits = typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;
    return fits ? undefined : `${at}: expected a whole number from ${min} to ${max}, found ${shown(value)}`;
  };
}

/** A number above zero, whole or not. */
export const positiveNumber: Check = (value, at) =>
  typeof value === 'number' && Number.isFinite(value) && value > 0
    ? undefined
    : `${at}: expected a number above 0, found ${shown(value)}`;

/** One of the values given. */
export function oneOf(...allowed: readonly (string | number)[]): Check {
  return (value, at) =>
    allowed.some((one) => one === value)
      ? undefined
      : `${at}: expected one of ${allowed.join(', ')}, found ${shown(value)}`;
}

/** A list, each entry as given. */
export function list(entry: Check, maxLength = 100_000): Check {
  return (value, at) => {
    if (!Array.isArray(value)) return `${at}: expected a list, found ${shown(value)}`;
    if (value.length > maxLength) return `${at}: more than ${maxLength} entries`;
    for (const [index, one] of (value as readonly unknown[]).entries()) {
      const problem = entry(one, `${at}[${index}]`);
      if (problem !== undefined) return problem;
    }
    return undefined;
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
  return (value, at) => {
    if (!isObject(value)) return `${at}: expected an object, found ${shown(value)}`;
    for (const { name, check, needed } of members) {
      const member = value[name];
      if (member === undefined && !needed) continue;
      const problem = check(member, `${at}.${name}`);
      if (problem !== undefined) return problem;
    }
    return undefined;
  };
}

/** An object used as a map: any names, each member as given. */
export function mapOf(member: Check): Check {
  return (value, at) => {
    if (!isObject(value)) return `${at}: expected an object, found ${shown(value)}`;
    for (const [name, one] of Object.entries(value)) {
      const problem = member(one, `${at}.${name}`);
      if (problem !== undefined) return problem;
    }
    return undefined;
  };
}

/** An object of several forms, told apart by the member named `tag`. */
export function tagged(tag: string, forms: Readonly<Record<string, Check>>): Check {
  const checks = new Map(Object.entries(forms));
  const known = oneOf(...checks.keys());
  return (value, at) => {
    if (!isObject(value)) return `${at}: expected an object, found ${shown(value)}`;
    const found = value[tag];
    const problem = known(found, `${at}.${tag}`);
    if (problem !== undefined) return problem;
    return checks.get(String(found))?.(value, at);
  };
}

/** All of the checks, in order. */
export function all(...checks: readonly Check[]): Check {
  return (value, at) => {
    for (const check of checks) {
      const problem = check(value, at);
      if (problem !== undefined) return problem;
    }
    return undefined;
  };
}

/** Whether a value is an object that is no list. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  return (JSON.stringify(value) ?? typeof value).slice(0, 80);
}
