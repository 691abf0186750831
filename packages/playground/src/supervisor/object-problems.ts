import type { StatusView } from '@tulle/admin-api';
import type { PlaygroundProblem } from '../state.ts';
import { askAdmin } from './admin-client.ts';

/** What the controller finds wrong with the objects that it reads: routes of what is not there, and the like. */
export async function objectProblems(controllerSocket: string): Promise<PlaygroundProblem[]> {
  const status = await askAdmin<StatusView>(controllerSocket, '/v1/status');
  return (status?.problems ?? []).flatMap(({ severity, object, message, file, line }) => {
    if (object === undefined || file === undefined) return [];
    const { kind, namespace, name } = object;
    const label = `${kind} ${namespace === undefined ? name : `${namespace}/${name}`}`;
    return [{ severity, object: label, message, file, ...(line === undefined ? {} : { line }) }];
  });
}
