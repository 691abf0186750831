import type { Namespace, Pod, Service } from '@tulle/gateway-api';
import type { MtlsMode } from '@tulle/ir';
import { objectOf } from '../problem.ts';
import type { ReportProblem } from '../problem.ts';

/** On a Namespace or Pod: `enabled` joins the mesh, `disabled` stays out; the pod's wins. */
export const meshLabel = 'tulle.dev/mesh';
/** On a Namespace or Pod: whether plaintext is let in; the pod's wins. */
export const mtlsLabel = 'tulle.dev/mtls';
/** On a Namespace, Service or Pod: ports that are never parsed, separated by commas; the nearest wins. */
export const opaquePortsAnnotation = 'tulle.dev/opaque-ports';

type Labelled = Namespace | Pod | Service;

/** The value of a label that must be one of `choices`; anything else is reported and counts as absent. */
function choice<T extends string>(
  object: Labelled,
  label: string,
  choices: readonly T[],
  report: ReportProblem,
): T | undefined {
  const value = object.metadata.labels?.[label];
  if (value === undefined) return undefined;
  const found = choices.find((one) => one === value);
  if (found === undefined) {
    report({
      severity: 'error',
      code: 'InvalidLabel',
      message: `label ${label}: "${value}" is neither "${choices.join('" nor "')}"; the label does nothing`,
      object: objectOf(object),
    });
  }
  return found;
}

/** What an object's mesh label says. */
export function meshChoice(object: Labelled, report: ReportProblem): 'enabled' | 'disabled' | undefined {
  return choice(object, meshLabel, ['enabled', 'disabled'], report);
}

/** What an object's mTLS label says. */
export function mtlsChoice(object: Labelled, report: ReportProblem): MtlsMode | undefined {
  return choice(object, mtlsLabel, ['strict', 'permissive'], report);
}

/** The ports that an object's opaque-ports annotation names, in order; undefined without the annotation. Others in it are reported and left out. */
export function opaquePorts(object: Labelled, report: ReportProblem): readonly number[] | undefined {
  const value = object.metadata.annotations?.[opaquePortsAnnotation];
  if (value === undefined) return undefined;
  const ports = new Set<number>();
  const wrong: string[] = [];
  for (const part of value.split(',').map((text) => text.trim())) {
    if (part === '') continue;
    const port = /^[0-9]{1,5}$/.test(part) ? Number(part) : 0;
    if (port >= 1 && port <= 65_535) ports.add(port);
    else wrong.push(part);
  }
  if (wrong.length > 0) {
    report({
      severity: 'error',
      code: 'InvalidAnnotation',
      message: `annotation ${opaquePortsAnnotation}: "${wrong.slice(0, 5).join('", "')}" is no port number from 1 to 65535`,
      object: objectOf(object),
      hint: 'write port numbers separated by commas, such as "25,3306"',
    });
  }
  return [...ports].sort((a, b) => a - b);
}

/** What each Namespace says about its pods and Services; read once, so that a mistake is reported once. */
export interface NamespaceDefaults {
  readonly mesh: 'enabled' | 'disabled' | undefined;
  readonly mtls: MtlsMode | undefined;
  readonly opaquePorts: readonly number[] | undefined;
}

/** Those of a Namespace that says nothing, or is not there. */
export const noDefaults: NamespaceDefaults = { mesh: undefined, mtls: undefined, opaquePorts: undefined };

/** Reads what a Namespace says. */
export function defaultsOf(namespace: Namespace, report: ReportProblem): NamespaceDefaults {
  return {
    mesh: meshChoice(namespace, report),
    mtls: mtlsChoice(namespace, report),
    opaquePorts: opaquePorts(namespace, report),
  };
}
