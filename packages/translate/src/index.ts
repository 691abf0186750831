export { meshLabel, mtlsLabel, opaquePortsAnnotation } from './cluster/labels.ts';
export { diffMeshState } from './diff.ts';
export { routeKey } from './input.ts';
export type { Route, TranslationInput } from './input.ts';
export type { TranslationProblem } from './problem.ts';
export { controllerName } from './status/route-status.ts';
export { translate } from './translate.ts';
export type { Translation } from './translate.ts';
