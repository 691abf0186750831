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

/**
 * Writes lines of an access log to standard output, as JSON, without waiting for them to be written. Each has its own
 * `time`; they are no messages, so the level of the log does not hold them back.
 */
export function accessWriter(fields: LogFields): (entries: readonly object[]) => void {
  const to = pino({ base: fields, timestamp: false }, pino.destination({ dest: 1, sync: false, minLength: 4_096 }));
  return (entries) => {
    for (const entry of entries) to.info(entry);
    to.flush();
  };
}
