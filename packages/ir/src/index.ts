export * from './mesh.ts';
export * from './route.ts';
export * from './service.ts';
export * from './workload.ts';
