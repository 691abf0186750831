export * from './backoff.ts';
export * from './clock.ts';
export * from './errors.ts';
export * from './header-block.ts';
export * from './logger.ts';
export { SlotSet } from './slot-set.ts';
export * from './references.ts';
export * from './result.ts';
