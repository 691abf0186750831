import { createPublicKey, randomBytes, webcrypto } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
// Must come before x509, whose dependency injection asks for it.
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { stringify } from 'yaml';
import { addresses, type ClusterPlan } from './settings.ts';

/** What a certificate is for: its subject, as Kubernetes reads user and groups from it, and its subject names. */
interface CertificateRequest {
  readonly commonName: string;
  readonly organization?: string;
  readonly dns?: readonly string[];
  readonly ip?: readonly string[];
}

/** Files of a key and its certificate, PEM. */
export interface KeyPairFiles {
  readonly certificate: string;
  readonly key: string;
}

/** The files of the cluster's authority and of everyone it knows. */
export interface Pki {
  readonly authority: KeyPairFiles;
  readonly apiServer: KeyPairFiles;
  readonly apiServerAsKubeletClient: KeyPairFiles;
  readonly serviceAccount: { readonly privateKey: string; readonly publicKey: string };
  readonly kubeconfigs: { readonly controllerManager: string; readonly scheduler: string; readonly proxy: string };
  readonly nodes: Readonly<Record<string, KeyPairFiles & { kubeconfig: string }>>;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const validityMs = 30 * 24 * 3600 * 1000;
/** Certificates begin a little in the past, for clocks that are not the same. */
const backdatedMs = 3600 * 1000;

/** Makes a new authority and all certificates and kubeconfigs of the cluster: each run of a cluster has its own. */
export async function writePki(plan: ClusterPlan): Promise<Pki> {
  const directory = join(plan.stateDirectory, 'pki');
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const authority = await makeAuthority(`${plan.name} cluster`);
  const file = async (name: string, content: string): Promise<string> => {
    const path = join(directory, name);
    await writeFile(path, content, { mode: 0o600 });
    return path;
  };
  const pair = async (name: string, { certificate, key }: Issued): Promise<KeyPairFiles> => ({
    certificate: await file(`${name}.crt`, certificate),
    key: await file(`${name}.key`, key),
  });
  const issue = async (request: CertificateRequest): Promise<Issued> => await issueCertificate(authority, request);
  const kubeconfig = async (name: string, request: CertificateRequest): Promise<string> =>
    await file(`${name}.kubeconfig`, kubeconfigOf(plan, authority.pem, await issue(request)));

  const nodes: Record<string, KeyPairFiles & { kubeconfig: string }> = {};
  for (const node of plan.nodes) {
    const issued = await issue({
      commonName: `system:node:${node.name}`,
      organization: 'system:nodes',
      dns: [node.name],
      ip: [node.address],
    });
    nodes[node.name] = {
      ...(await pair(node.name, issued)),
      kubeconfig: await file(`${node.name}.kubeconfig`, kubeconfigOf(plan, authority.pem, issued)),
    };
  }
  const admin = await issue({ commonName: 'admin', organization: 'system:masters' });
  await writeFile(plan.kubeconfig, kubeconfigOf(plan, authority.pem, admin), { mode: 0o600 });
  const serviceAccountKeys = await newKeys();
  const serviceAccountKey = await pemOf(serviceAccountKeys.privateKey);
  return {
    authority: await pair('ca', { certificate: authority.pem, key: await pemOf(authority.keys.privateKey) }),
    apiServer: await pair(
      'apiserver',
      await issue({
        commonName: 'kube-apiserver',
        dns: [
          'localhost',
          'kubernetes',
          'kubernetes.default',
          'kubernetes.default.svc',
          'kubernetes.default.svc.cluster.local',
        ],
        ip: [addresses.apiServer, addresses.apiServerService, '127.0.0.1'],
      }),
    ),
    apiServerAsKubeletClient: await pair(
      'apiserver-kubelet-client',
      await issue({ commonName: 'kube-apiserver-kubelet-client', organization: 'system:masters' }),
    ),
    serviceAccount: {
      privateKey: await file('service-account.key', serviceAccountKey),
      publicKey: await file(
        'service-account.pub',
        createPublicKey(serviceAccountKey).export({ type: 'spki', format: 'pem' }),
      ),
    },
    kubeconfigs: {
      controllerManager: await kubeconfig('controller-manager', { commonName: 'system:kube-controller-manager' }),
      scheduler: await kubeconfig('scheduler', { commonName: 'system:kube-scheduler' }),
      proxy: await kubeconfig('kube-proxy', { commonName: 'system:kube-proxy' }),
    },
    nodes,
  };
}

/** A certificate of an authority that nobody knows, for a server that only needs to have one. PEM. */
export async function untrustedCertificate(name: string, dns: readonly string[]): Promise<Issued> {
  const authority = await makeAuthority(name);
  return await issueCertificate(authority, { commonName: name, dns });
}

interface Authority {
  readonly name: string;
  readonly pem: string;
  readonly keys: webcrypto.CryptoKeyPair;
}

/** A certificate and its key, PEM. */
export interface Issued {
  readonly certificate: string;
  readonly key: string;
}

async function makeAuthority(name: string): Promise<Authority> {
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      name: [{ CN: [name] }],
      serialNumber: newSerialNumber(),
      ...validity(),
      signingAlgorithm: algorithm,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  return { name: certificate.subject, pem: `${certificate.toString('pem')}\n`, keys };
}

async function issueCertificate(authority: Authority, request: CertificateRequest): Promise<Issued> {
  const keys = await newKeys();
  const names = [
    ...(request.dns ?? []).map((value) => ({ type: 'dns' as const, value })),
    ...(request.ip ?? []).map((value) => ({ type: 'ip' as const, value })),
  ];
  const certificate = await x509.X509CertificateGenerator.create(
    {
      subject: [
        ...(request.organization === undefined ? [] : [{ O: [request.organization] }]),
        { CN: [request.commonName] },
      ],
      issuer: authority.name,
      serialNumber: newSerialNumber(),
      ...validity(),
      signingAlgorithm: algorithm,
      publicKey: keys.publicKey,
      signingKey: authority.keys.privateKey,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
        await x509.AuthorityKeyIdentifierExtension.create(authority.keys.publicKey, false, webcrypto),
        ...(names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)]),
      ],
    },
    webcrypto,
  );
  return { certificate: `${certificate.toString('pem')}\n`, key: await pemOf(keys.privateKey) };
}

function kubeconfigOf(plan: ClusterPlan, authority: string, { certificate, key }: Issued): string {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': plan.name,
    clusters: [
      {
        name: plan.name,
        cluster: {
          server: `https://${addresses.apiServer}:${addresses.apiServerPort}`,
          'certificate-authority-data': base64(authority),
        },
      },
    ],
    users: [{ name: 'user', user: { 'client-certificate-data': base64(certificate), 'client-key-data': base64(key) } }],
    contexts: [{ name: plan.name, context: { cluster: plan.name, user: 'user' } }],
  });
}

async function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
}

async function pemOf(key: webcrypto.CryptoKey): Promise<string> {
  const der = await webcrypto.subtle.exportKey('pkcs8', key);
  return `${x509.PemConverter.encode(der, 'PRIVATE KEY')}\n`;
}

function validity(): { notBefore: Date; notAfter: Date } {
  const nowMs = Date.now();
  return { notBefore: new Date(nowMs - backdatedMs), notAfter: new Date(nowMs + validityMs) };
}

/** Sixteen random bytes, the first of them never negative nor zero (RFC 5280, section 4.1.2.2). */
function newSerialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x01;
  return bytes.toString('hex');
}
