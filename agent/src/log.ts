import type { LogFields, Logger } from '@tulle/core';
import { pino } from 'pino';
import type { Logger as PinoLogger } from 'pino';

function wrap(to: PinoLogger): Logger {
  return {
    debug: (message, fields = {}) => to.debug(fields, message),
    info: (message, fields = {}) => to.info(fields, message),
    warn: (message, fields = {}) => to.warn(fields, message),
    error: (message, fields = {}) => to.error(fields, message),
    child: (fields: LogFields) => wrap(to.child(fields)),
  };
}

/** A logger that writes one JSON line each to standard output; `TULLE_LOG_LEVEL` says how much. */
export function processLogger(fields: LogFields): Logger {
  return wrap(pino({ base: fields, level: process.env['TULLE_LOG_LEVEL'] ?? 'info' }));
}
