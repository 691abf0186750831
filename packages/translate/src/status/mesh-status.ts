import type { Condition, MeshStatus, XMesh } from '@tulle/gateway-api';
import { objectOf } from '../problem.ts';
import type { TranslationProblem } from '../problem.ts';
import { conditionOf } from './condition.ts';
import { controllerName } from './controller-name.ts';
import { supportedFeatures } from './supported-features.ts';

/** The name of the XMesh that a controller makes when there is none of its own. */
export const defaultMeshName = 'tulle';

/** `Kind/name` of an XMesh: how statuses name it. */
export function meshKey({ metadata }: XMesh): string {
  return `XMesh/${metadata.name}`;
}

/**
 * The status of an XMesh (GEP-3949): whether it is accepted, and the features that the mesh supports, sorted. Conditions
 * of other types stay as they are. Undefined for one of another controller: its status is not ours to write.
 */
export function meshStatus(
  mesh: XMesh,
  { previous, now }: { readonly previous: MeshStatus | undefined; readonly now: string },
): MeshStatus | undefined {
  if (mesh.spec.controllerName !== controllerName) return undefined;
  // An object that an API server has not been told the status of has none, whatever its type says.
  const known: readonly Condition[] = (mesh as Partial<XMesh>).status?.conditions ?? [];
  const condition = conditionOf(verdictOf(mesh), {
    before: [...known, ...(previous?.conditions ?? [])],
    generation: mesh.metadata.generation,
    now,
  });
  return {
    conditions: [condition, ...known.filter(({ type }) => type !== condition.type)],
    supportedFeatures: supportedFeatures.map((name) => ({ name })),
  };
}

/** What of the XMeshes somebody should look at. */
export function meshProblems(mesh: XMesh): TranslationProblem[] {
  const object = objectOf(mesh);
  if (mesh.spec.controllerName === controllerName) {
    const { status, reason: code, message } = verdictOf(mesh);
    return status === 'True' ? [] : [{ severity: 'error', code, message, object }];
  }
  if (mesh.metadata.name !== defaultMeshName) return [];
  const message = `belongs to another controller, "${mesh.spec.controllerName}", and is left alone; the mesh works without one`;
  return [{ severity: 'warning', code: 'MeshOfAnotherController', message, object }];
}

function verdictOf({ spec }: XMesh): Pick<Condition, 'type' | 'status' | 'reason' | 'message'> {
  const { parametersRef } = spec;
  if (parametersRef === undefined) {
    return { type: 'Accepted', status: 'True', reason: 'Accepted', message: 'this mesh is served by Tulle' };
  }
  const message = `spec.parametersRef: a ${parametersRef.kind} of ${parametersRef.group} says nothing here; the mesh is set up by its controller's options`;
  return { type: 'Accepted', status: 'False', reason: 'InvalidParameters', message };
}
