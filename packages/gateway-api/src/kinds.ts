import { configurationKinds } from './core/configuration-schemas.ts';
import { workloadKinds } from './core/pod-schemas.ts';
import { serviceKinds } from './core/service-schemas.ts';
import { definitions } from './generated/definitions.ts';
import { groupOf, type ObjectKind } from './object.ts';
import type { ObjectIssue } from './object-error.ts';
import type { KindDefinition } from './schema.ts';
import { suggest } from './suggest.ts';

/** Kinds by their name: no two groups have kinds of the same name here. */
export type Kinds = ReadonlyMap<string, KindDefinition>;

/** The kinds of Kubernetes' own, and those of CustomResourceDefinitions. */
export function kindsWith(customResources: readonly unknown[]): Kinds {
  const ofCrds = customResources.map((definition): KindDefinition => ({
    ...(definition as Omit<KindDefinition, 'coverage'>),
    coverage: 'complete',
  }));
  return new Map(
    [...serviceKinds, ...configurationKinds, ...workloadKinds, ...ofCrds].map((kind) => [kind.kind, kind]),
  );
}

/** Every kind that is decoded, those of the Gateway API as its experimental channel has them. */
export const kindDefinitions: Kinds = kindsWith(definitions);

/** The apiVersion that decoded objects of a kind carry, such as `gateway.networking.k8s.io/v1`. */
export function apiVersionOf(kind: ObjectKind): string {
  const definition = kindDefinitions.get(kind);
  return definition === undefined ? '' : apiVersion(definition, definition.hub);
}

/** Every apiVersion in which objects of a kind are accepted, the one that decoded objects carry first. */
export function acceptedApiVersions(kind: ObjectKind): readonly string[] {
  const definition = kindDefinitions.get(kind);
  return definition === undefined ? [] : versionsOf(definition);
}

/** Kinds that people keep beside those of a mesh, and why none of them is decoded. */
const kindsOfOthers: Readonly<Record<string, string>> = {
  Gateway: 'a Gateway is no part of a mesh',
  GatewayClass: 'a GatewayClass is no part of a mesh',
  ListenerSet: 'a ListenerSet is no part of a mesh',
  Ingress: 'an Ingress is no part of a mesh; a mesh is driven by HTTPRoutes that name a Service as their parent',
};

/** The definition for an object's apiVersion and kind, or what is wrong with them. */
export function findKind(version: string, kind: string, kinds: Kinds = kindDefinitions): KindDefinition | ObjectIssue {
  const definition = kinds.get(kind);
  if (definition === undefined) return unknownKind(version, kind, kinds);
  const group = groupOf(version);
  if (
    group === definition.group &&
    Object.hasOwn(definition.versions, version.slice(group === '' ? 0 : group.length + 1))
  )
    return definition;
  const accepted = versionsOf(definition);
  const where = accepted.join(' or ');
  if (
    group !== definition.group &&
    group !== '' &&
    suggest(group, [definition.group]) === undefined &&
    group !== 'extensions'
  )
    return {
      code: 'unknown-kind',
      path: 'apiVersion',
      message: `${kind} of ${version} is not known here, only that of ${where}`,
      expected: where,
      value: version,
    };
  return {
    code: 'unknown-version',
    path: 'apiVersion',
    message: `"${version}" has no ${kind} that is known here`,
    expected: where,
    value: version,
    suggestion: accepted[0] ?? where,
  };
}

function unknownKind(version: string, kind: string, kinds: Kinds): ObjectIssue {
  const other = Object.hasOwn(kindsOfOthers, kind) ? kindsOfOthers[kind] : undefined;
  const group = groupOf(version);
  const sameGroup = [...kinds.values()].filter((definition) => definition.group === group);
  const suggestion =
    other === undefined
      ? suggest(
          kind,
          sameGroup.map(({ kind }) => kind),
        )
      : undefined;
  return {
    code: 'unknown-kind',
    path: 'kind',
    message:
      other ??
      (kindDefinitions.has(kind)
        ? onlyExperimental(kind)
        : `"${kind}" of "${version}" is not a kind that a mesh knows`),
    value: kind,
    ...(suggestion === undefined ? {} : { suggestion }),
  };
}

function versionsOf(definition: KindDefinition): readonly string[] {
  const others = Object.keys(definition.versions).filter((name) => name !== definition.hub);
  return [definition.hub, ...others].map((name) => apiVersion(definition, name));
}

function apiVersion({ group }: KindDefinition, version: string): string {
  return group === '' ? version : `${group}/${version}`;
}

function onlyExperimental(kind: string): string {
  return `${kind} is in the experimental channel of the Gateway API only`;
}
