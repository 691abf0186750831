import { pino } from 'pino';
import type { Logger } from '@tulle/core';

/** Log lines as JSON on standard output. `level`: debug, info, warn or error. */
export function createLogger(level: string): Logger {
  return wrap(pino({ level, base: { app: 'mesh-controller' } }, pino.destination({ fd: 1, sync: true })));
}

function wrap(target: pino.Logger): Logger {
  return {
    debug: (message, fields) => target.debug(fields ?? {}, message),
    info: (message, fields) => target.info(fields ?? {}, message),
    warn: (message, fields) => target.warn(fields ?? {}, message),
    error: (message, fields) => target.error(fields ?? {}, message),
    child: (fields) => wrap(target.child(fields)),
  };
}
