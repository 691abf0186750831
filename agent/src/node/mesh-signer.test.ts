import { writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { sendUnaryData, ServerUnaryCall } from '@grpc/grpc-js';
import { silentLogger } from '@tulle/core';
import {
  bearerToken,
  CertificateClient,
  CertificateManager,
  ControlPlaneCredentials,
  createGrpcServer,
  loadCertificateService,
  parseCsr,
  SpiffeId,
} from '@tulle/identity';
import type {
  CreateCertificateRequest,
  CreateCertificateResponse,
  GrpcServer,
  IssuedCertificate,
} from '@tulle/identity';
import type { ExternalAuthority } from '@tulle/ir';
import { FakeClock, temporaryDirectory, TestCa } from '@tulle/testkit';
import { MeshSigner } from './mesh-signer.ts';

const hourMs = 3_600_000;
const serverName = 'cert-manager-istio-csr.cert-manager.svc';

/**
 * Answers as cert-manager's istio-csr does: the identity is the one impersonated, the certificate comes with the issuer's
 * and the root's, and the server has a certificate with a DNS name.
 */
class IstioCsr implements AsyncDisposable {
  readonly root: TestCa;
  readonly tokens: (string | undefined)[] = [];
  readonly #server: GrpcServer;
  #port = 0;

  constructor(name: string) {
    this.root = new TestCa({ commonName: `${name} root` });
    const issuer = new TestCa({ commonName: `${name} issuer`, parent: this.root });
    const tls = this.root.issue({ uris: [], dnsNames: [serverName] });
    this.#server = createGrpcServer({ listen: '127.0.0.1:0', tls });
    this.#server.server.addService(loadCertificateService(), {
      CreateCertificate: (
        call: ServerUnaryCall<CreateCertificateRequest, CreateCertificateResponse>,
        done: sendUnaryData<CreateCertificateResponse>,
      ) => {
        this.tokens.push(bearerToken(call.metadata));
        const key = parseCsr(call.request.csr);
        if (!key.ok) throw key.error;
        const identity = call.request.metadata?.fields['ImpersonatedIdentity']?.stringValue ?? '';
        const leaf = issuer.leaf(identity, { publicKey: key.value, notAfterMs: Date.now() + 24 * hourMs });
        done(null, { certChain: [leaf, issuer.certificate, this.root.certificate].map(({ certPem }) => certPem) });
      },
    });
  }

  async start(): Promise<this> {
    this.#port = await this.#server.listen();
    return this;
  }

  get authority(): ExternalAuthority {
    return { address: `127.0.0.1:${this.#port}`, serverName, rootsPem: this.root.certificate.certPem };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }
}

describe('certificates from an authority that is not the controller', () => {
  const directory = temporaryDirectory();
  const clock = new FakeClock(Date.now());
  let controller: IstioCsr;
  let other: IstioCsr;
  let signer: MeshSigner;
  let manager: CertificateManager;
  const issued: IssuedCertificate[] = [];
  const waiting = new Set<() => void>();

  const clientOf = ({ address, rootsPem }: ExternalAuthority) =>
    new CertificateClient({
      address,
      credentials: new ControlPlaneCredentials({
        trustBundleFile: { pem: rootsPem },
        server: { dnsName: serverName },
        tokenFile: directory.file('token'),
      }),
    });
  const certificates = (count: number) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (issued.length >= count) resolve();
      };
      waiting.add(look);
      look();
    });

  beforeEach(async () => {
    writeFileSync(directory.file('token'), 'the-token-of-the-agent\n');
    controller = await new IstioCsr('controller').start();
    other = await new IstioCsr('other').start();
    signer = new MeshSigner({ controller: clientOf(controller.authority), external: clientOf });
    issued.length = 0;
    manager = new CertificateManager({
      signer,
      clock,
      logger: silentLogger,
      onCertificate: (certificate) => {
        issued.push(certificate);
        for (const look of waiting) look();
      },
    });
  });
  afterEach(async () => {
    manager.close();
    signer.close();
    await controller[Symbol.asyncDispose]();
    await other[Symbol.asyncDispose]();
  });

  it('are asked for there once the mesh says so, each anew, and from the controller again when it says that', async () => {
    const id = SpiffeId.forWorkload({ trustDomain: 'cluster.local', namespace: 'shop', serviceAccount: 'cart' });
    if (!id.ok) throw id.error;
    expect(signer.follow(undefined)).toBe(false);
    manager.setWanted([id.value]);
    await certificates(1);
    expect(signer.follow(other.authority)).toBe(true);
    expect(signer.follow({ ...other.authority })).toBe(false);
    manager.renewAll(5_000);
    clock.advance(5_000);
    await certificates(2);
    expect(signer.follow(undefined)).toBe(true);
    manager.renewAll(5_000);
    clock.advance(5_000);
    await certificates(3);
    const { x509: ownRoot } = controller.root.certificate;
    const { x509: otherRoot } = other.root.certificate;
    expect(issued.map(({ rootFingerprint }) => rootFingerprint)).toEqual([
      ownRoot.fingerprint256,
      otherRoot.fingerprint256,
      ownRoot.fingerprint256,
    ]);
    // The intermediate goes to peers, the root does not; the token is shown to both.
    expect(issued[1]?.chainPem.match(/BEGIN/g)).toHaveLength(2);
    expect(other.tokens).toEqual(['the-token-of-the-agent']);
    expect(manager.states()).toMatchObject([{ state: 'valid', issuer: 'CN=controller issuer' }]);
  });

  it('are not asked of a server whose certificate has another name, or another root', async () => {
    const id = SpiffeId.forWorkload({ trustDomain: 'cluster.local', namespace: 'shop', serviceAccount: 'cart' });
    if (!id.ok) throw id.error;
    const request = { identity: id.value, csrPem: 'x', validityMs: hourMs };
    signer.follow({ ...other.authority, rootsPem: controller.root.certificate.certPem });
    await expect(signer.sign(request)).rejects.toMatchObject({ code: 'ca-unavailable' });
    expect(other.tokens).toEqual([]);
  });
});
