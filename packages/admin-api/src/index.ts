export * from './agent.ts';
export * from './certificates.ts';
export * from './common.ts';
export * from './route.ts';
export * from './rules.ts';
export * from './service.ts';
export * from './status.ts';
export * from './version.ts';
