import type { ObjectRef, ProblemView } from '@tulle/admin-api';
import type { ObjectOrigin, SourceProblem } from '../objects/object-source.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import type { MeshSnapshot } from '../pipeline/mesh-snapshot.ts';

/** What is wrong with the objects: what the source could not read, and what the translation could not use. */
export function objectProblems(store: ObjectStore, snapshot: MeshSnapshot): ProblemView[] {
  return [
    ...store.problems.map(sourceProblem),
    ...snapshot.problems.map((problem) => {
      const { object, file } = problem;
      if (object === undefined || file !== undefined) return problem;
      const origin = store.originOf(object.kind, object.namespace ?? '', object.name);
      return { ...problem, ...placeOf(origin) };
    }),
  ];
}

function sourceProblem({ severity, code, message, object, origin }: SourceProblem): ProblemView {
  const reference = object === undefined ? undefined : parseObjectName(object);
  return { severity, code, message, ...(reference === undefined ? {} : { object: reference }), ...placeOf(origin) };
}

function placeOf(origin: ObjectOrigin | undefined): Pick<ProblemView, 'file' | 'line'> {
  if (origin === undefined) return {};
  return origin.line === undefined ? { file: origin.file } : { file: origin.file, line: origin.line };
}

/** Reads `Kind namespace/name` or `Kind name`. */
function parseObjectName(text: string): ObjectRef | undefined {
  const [kind, path] = text.split(' ');
  if (kind === undefined || path === undefined) return undefined;
  const slash = path.indexOf('/');
  return slash < 0 ? { kind, name: path } : { kind, namespace: path.slice(0, slash), name: path.slice(slash + 1) };
}

/** The problems that are about one object. */
export function problemsOf(about: Required<ObjectRef>, store: ObjectStore, snapshot: MeshSnapshot): ProblemView[] {
  return objectProblems(store, snapshot).filter(
    ({ object }) => object?.kind === about.kind && object.namespace === about.namespace && object.name === about.name,
  );
}
