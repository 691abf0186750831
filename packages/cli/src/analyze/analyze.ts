import { cliApiVersion, type AnalysisView, type ProblemView } from '@tulle/admin-api';
import type { KubernetesObject } from '@tulle/gateway-api';
import type { ManifestProblem } from '@tulle/manifests';
import { translate, type Translation, type TranslationProblem } from '@tulle/translate';
import { asApplied } from './as-applied.ts';
import { FieldLocator } from './locate.ts';
import type { ManifestSet } from './manifest-set.ts';
import { MeshMembership } from './membership.ts';
import { policyFindings } from './network-policies.ts';
import { objectName } from './object-name.ts';

/** Something found about an object, before it is known where that stands. */
type Finding = Omit<ProblemView, 'file' | 'line'> & { readonly object: NonNullable<ProblemView['object']> };

/**
 * Finds what is wrong in manifests: as the mesh would say it if they were applied, and what it would not notice. `present`
 * are objects that are there already, by `Kind namespace/name`: manifests of the same name take their place, and what is
 * wrong with the others is told only where there are no manifests at all.
 */
export function analyze(set: ManifestSet, present: ReadonlyMap<string, KubernetesObject> = new Map()): AnalysisView {
  const written = new Map([...set.objects].map(([name, { object }]) => [name, object] as const));
  const objects = [...new Map([...present, ...written]).values()];
  const isAboutAll = set.files === 0;
  const translation = translate({
    objects: asApplied(objects),
    settings: { trustDomain: 'cluster.local', mtlsMode: 'permissive' },
    now: '1970-01-01T00:00:00Z',
  });
  const membership = new MeshMembership(objects);
  const locator = new FieldLocator(set.texts);
  const findings = [
    ...translation.problems.flatMap(split),
    ...idleRoutes(objects, translation, membership),
    ...networkPolicies(objects, membership),
  ].filter(({ object }) => isAboutAll || set.objects.has(objectName(object)));
  const problems = [...set.problems.map(problemOfManifest), ...findings.map((finding) => located(finding))].sort(
    byPlace,
  );
  return {
    apiVersion: cliApiVersion,
    kind: 'Analysis',
    files: set.files,
    objects: isAboutAll ? objects.length : set.objects.size,
    problems,
  };

  function located(finding: Finding): ProblemView {
    const origin = set.objects.get(objectName(finding.object));
    if (origin === undefined) return finding;
    return { ...finding, file: origin.file, line: locator.lineOf(origin, finding.message) };
  }
}

/** One problem for each of the things that a status names in one message. */
function split(problem: TranslationProblem): Finding[] {
  return problem.message
    .split(/; (?=rules\[\d+\]|caCertificateRefs\[\d+\])/)
    .map((message) => ({ ...problem, message }));
}

/** Routes that are accepted and act on nobody, since no client of theirs is in the mesh. */
function idleRoutes(
  objects: readonly KubernetesObject[],
  { routeStatuses }: Translation,
  membership: MeshMembership,
): Finding[] {
  const hint = 'label the namespace of the clients tulle.dev/mesh=enabled';
  return objects.flatMap((object): Finding[] => {
    const { kind } = object;
    const { namespace, name } = object.metadata;
    const statuses = namespace === undefined ? undefined : routeStatuses.get(`${kind}/${namespace}/${name}`);
    if (statuses === undefined || namespace === undefined) return [];
    const isAccepted = statuses.some(({ conditions }) =>
      conditions.some(({ type, status }) => type === 'Accepted' && status === 'True'),
    );
    if (!isAccepted) return [];
    const isProducer = statuses.some(({ parentRef }) => (parentRef.namespace ?? namespace) === namespace);
    const idle = isProducer ? membership.isNobodyMeshed() : membership.hasMeshedPods(namespace) === false;
    if (!idle) return [];
    const message = isProducer
      ? 'has no effect: no namespace is in the mesh'
      : `has no effect: it acts on clients in namespace "${namespace}" only, and none of them is in the mesh`;
    return [{ severity: 'warning', code: 'RouteWithoutClients', message, object: { kind, namespace, name }, hint }];
  });
}

function networkPolicies(objects: readonly KubernetesObject[], membership: MeshMembership): Finding[] {
  return objects.flatMap((object): Finding[] => {
    if (object.kind !== 'NetworkPolicy') return [];
    const { namespace, name } = object.metadata;
    return policyFindings(object, membership).map(({ message, hint }) => ({
      severity: 'error',
      code: 'NetworkPolicyBlocksMesh',
      message,
      object: { kind: object.kind, namespace, name },
      hint,
    }));
  });
}

function problemOfManifest({ severity, file, line, object, path, message }: ManifestProblem): ProblemView {
  const text = [object ?? '', path ?? '', message].filter((part) => part !== '').join(': ');
  return { severity, code: 'InvalidManifest', message: text, file, line };
}

function byPlace(a: ProblemView, b: ProblemView): number {
  const [fileA, fileB] = [a.file ?? '', b.file ?? ''];
  return fileA === fileB ? (a.line ?? 0) - (b.line ?? 0) : fileA < fileB ? -1 : 1;
}
