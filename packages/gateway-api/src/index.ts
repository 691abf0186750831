export type * from './core/configuration.ts';
export type * from './core/pod.ts';
export type * from './core/service.ts';
export type * from './generated/types.ts';
export type * from './metadata.ts';
export * from './object.ts';
