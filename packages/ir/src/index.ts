export * from './authorization.ts';
export * from './headers.ts';
export * from './mesh.ts';
export * from './redact.ts';
export * from './route.ts';
export * from './service.ts';
export { resourceKey, validate, validateResource } from './validate.ts';
export type { ResourceProblem, ResourceValidation } from './validate.ts';
export * from './workload.ts';
