import type { LogFields, Logger } from '@tulle/core';

/** A logger of lines for people on standard output, which is the supervisor's log file. */
export function lineLogger(fields: LogFields = {}): Logger {
  const write =
    (level: string) =>
    (message: string, more: LogFields = {}) => {
      const all = Object.entries({ ...fields, ...more }).map(([key, value]) => ` ${key}=${JSON.stringify(value)}`);
      process.stdout.write(`${new Date().toISOString()} ${level} ${message}${all.join('')}\n`);
    };
  return {
    debug: () => {},
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: (more) => lineLogger({ ...fields, ...more }),
  };
}
