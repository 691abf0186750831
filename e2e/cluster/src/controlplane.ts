import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Kubectl } from './kubectl.ts';
import type { Machine } from './machine.ts';
import { partName, type Parts } from './parts.ts';
import type { Pki } from './pki.ts';
import { addresses, auditLogOf, type ClusterPlan, sourceDirectory } from './settings.ts';

const readyTimeoutMs = 120_000;
const etcdUrl = 'http://127.0.0.1:2379';

/** Starts etcd, the API server, the controller manager and the scheduler; `controlPlaneReady` waits for them. */
export async function startControlPlane(
  context: { plan: ClusterPlan; parts: Parts; control: Machine; pki: Pki },
  binaries: { kubernetes: string; etcd: string },
): Promise<void> {
  const { plan, parts, control, pki } = context;
  const data = join(plan.stateDirectory, 'etcd');
  await mkdir(data, { recursive: true, mode: 0o700 });
  // A cluster lives as long as its machine is up: nothing of it needs to survive a power cut.
  parts.start(control, 'etcd', [
    join(binaries.etcd, 'etcd'),
    `--data-dir=${data}`,
    `--listen-client-urls=${etcdUrl}`,
    `--advertise-client-urls=${etcdUrl}`,
    '--listen-peer-urls=http://127.0.0.1:2380',
    '--unsafe-no-fsync',
    '--log-level=warn',
  ]);
  parts.start(control, 'apiserver', [
    join(binaries.kubernetes, 'kube-apiserver'),
    `--etcd-servers=${etcdUrl}`,
    `--bind-address=${addresses.apiServer}`,
    `--advertise-address=${addresses.apiServer}`,
    `--secure-port=${addresses.apiServerPort}`,
    `--service-cluster-ip-range=${addresses.serviceRange}`,
    `--client-ca-file=${pki.authority.certificate}`,
    `--tls-cert-file=${pki.apiServer.certificate}`,
    `--tls-private-key-file=${pki.apiServer.key}`,
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
    `--service-account-signing-key-file=${pki.serviceAccount.privateKey}`,
    `--service-account-key-file=${pki.serviceAccount.publicKey}`,
    `--kubelet-client-certificate=${pki.apiServerAsKubeletClient.certificate}`,
    `--kubelet-client-key=${pki.apiServerAsKubeletClient.key}`,
    `--kubelet-certificate-authority=${pki.authority.certificate}`,
    '--kubelet-preferred-address-types=InternalIP',
    '--allow-privileged=true',
    `--audit-policy-file=${join(sourceDirectory, 'manifests/audit-policy.yaml')}`,
    `--audit-log-path=${auditLogOf(plan)}`,
    '--shutdown-delay-duration=0s',
  ]);
}

/** Waits for the API server, then starts what works through it and would otherwise only retry. */
export async function controlPlaneReady(
  context: { plan: ClusterPlan; parts: Parts; control: Machine; pki: Pki },
  binaries: { kubernetes: string },
  kubectl: Kubectl,
): Promise<void> {
  const { parts, control, pki } = context;
  await parts.ready(
    ['etcd', 'apiserver'].map((part) => partName(control, part)),
    'API server',
    async () => ((await kubectl.raw('/readyz')) === 'ok' ? true : undefined),
    readyTimeoutMs,
  );
  parts.start(control, 'controller-manager', [
    join(binaries.kubernetes, 'kube-controller-manager'),
    `--kubeconfig=${pki.kubeconfigs.controllerManager}`,
    `--service-account-private-key-file=${pki.serviceAccount.privateKey}`,
    `--root-ca-file=${pki.authority.certificate}`,
    `--cluster-signing-cert-file=${pki.authority.certificate}`,
    `--cluster-signing-key-file=${pki.authority.key}`,
    '--use-service-account-credentials',
    // Every controller asks for its credentials first: at the default pace that alone takes seconds.
    '--kube-api-qps=200',
    '--kube-api-burst=400',
    '--bind-address=127.0.0.1',
    '--leader-elect=false',
  ]);
  parts.start(control, 'scheduler', [
    join(binaries.kubernetes, 'kube-scheduler'),
    `--kubeconfig=${pki.kubeconfigs.scheduler}`,
    '--bind-address=127.0.0.1',
    '--leader-elect=false',
  ]);
}
