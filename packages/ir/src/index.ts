export * from './authorization.ts';
export * from './canonical.ts';
export * from './headers.ts';
export * from './mesh.ts';
export * from './route.ts';
export * from './service.ts';
export * from './workload.ts';
