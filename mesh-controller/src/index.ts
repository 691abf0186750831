export { MeshController, type ControllerOptions } from './controller.ts';
export type { ObjectChange, ObjectOrigin, ObjectSink, ObjectSource, SourceProblem } from './objects/object-source.ts';
