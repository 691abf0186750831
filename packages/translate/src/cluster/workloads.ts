import type { Pod } from '@tulle/gateway-api';
import type { MeshSettings, Workload } from '@tulle/ir';
import type { ReportProblem } from '../problem.ts';
import { meshChoice, meshLabel, mtlsChoice, opaquePorts } from './labels.ts';
import type { NamespaceDefaults } from './labels.ts';

/** What workloads are translated with. */
export interface WorkloadContext {
  readonly settings: MeshSettings;
  readonly defaults: (namespace: string) => NamespaceDefaults;
  /** The zone of a node that has one. */
  readonly zoneOf: (node: string) => string | undefined;
  readonly report: ReportProblem;
}

/** The workload of a pod; undefined as long as it has no address or no node. */
export function translatePod(pod: Pod, context: WorkloadContext): Workload | undefined {
  const { settings, zoneOf, report } = context;
  const { namespace, name, uid } = pod.metadata;
  const node = pod.spec.nodeName;
  const addresses = addressesOf(pod);
  if (node === undefined || addresses.length === 0) return undefined;
  const defaults = context.defaults(namespace);
  const mesh = meshStateOf(pod, defaults, report);
  const serviceAccount = pod.spec.serviceAccountName;
  return {
    uid: uid ?? `${namespace}/${name}`,
    namespace,
    name,
    node,
    // The node's address is not the pod's own, and that of a pod that has ended may already be another's.
    addresses: pod.spec.hostNetwork === true || hasEnded(pod) ? [] : addresses,
    workloadName: ownerNameOf(pod),
    serviceAccount,
    identity: `spiffe://${settings.trustDomain}/ns/${namespace}/sa/${serviceAccount}`,
    mesh,
    mtlsMode: mtlsChoice(pod, report) ?? defaults.mtls ?? settings.mtlsMode,
    opaquePorts: opaquePorts(pod, report) ?? defaults.opaquePorts ?? [],
    zone: zoneOf(node) ?? '',
  };
}

function addressesOf(pod: Pod): readonly string[] {
  const primary = pod.status?.podIP;
  if (primary === undefined || primary === '') return [];
  return [...new Set([primary, ...(pod.status?.podIPs ?? []).map(({ ip }) => ip)])];
}

function hasEnded(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

function meshStateOf(pod: Pod, defaults: NamespaceDefaults, report: ReportProblem): Workload['mesh'] {
  const own = meshChoice(pod, report);
  const out = (reason: string) => ({ state: 'out', reason }) as const;
  if (own === 'disabled') return out(`the pod's label ${meshLabel} is "disabled"`);
  const asked = own ?? defaults.mesh;
  if (asked === 'disabled') return out(`its namespace's label ${meshLabel} is "disabled"`);
  if (asked === undefined) return out(`neither the pod nor its namespace is labelled ${meshLabel}=enabled`);
  if (pod.spec.hostNetwork === true) return out("it uses the node's network, which cannot be captured");
  if (hasEnded(pod)) return out('it has ended');
  return { state: 'in' };
}

/** The owner that people know: of a ReplicaSet's pods the Deployment, whose name is the set's without the hash. */
function ownerNameOf(pod: Pod): string {
  const owner = pod.metadata.ownerReferences?.find((reference) => reference.controller === true);
  if (owner === undefined) return pod.metadata.name;
  const hash = pod.metadata.labels?.['pod-template-hash'];
  const isOfDeployment = owner.kind === 'ReplicaSet' && hash !== undefined && owner.name.endsWith(`-${hash}`);
  return isOfDeployment ? owner.name.slice(0, -hash.length - 1) : owner.name;
}
