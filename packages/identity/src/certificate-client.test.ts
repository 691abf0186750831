import { renameSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { Metadata, status, type sendUnaryData, type ServerUnaryCall } from '@grpc/grpc-js';
import { FakeClock, temporaryDirectory, TestCa, type TestCertificate, type TestDefect } from '@tulle/testkit';
import {
  bearerToken,
  CertificateClient,
  ControlPlaneCredentials,
  controllerIdentity,
  createGrpcServer,
} from './index.ts';
import {
  loadCertificateService,
  SpiffeId,
  type ExpectedServer,
  type GrpcServer,
  type SigningRequest,
} from './index.ts';
import type { CreateCertificateRequest, CreateCertificateResponse } from './index.ts';

const identity = controllerIdentity('cluster.local');
const request: SigningRequest = { identity: idOf('cart'), csrPem: 'the request', validityMs: 90_500 };

function idOf(serviceAccount: string): SpiffeId {
  const id = SpiffeId.forWorkload({ trustDomain: 'cluster.local', namespace: 'shop', serviceAccount });
  if (!id.ok) throw id.error;
  return id.value;
}

type Answer = (call: ServerUnaryCall<CreateCertificateRequest, CreateCertificateResponse>) => {
  readonly code?: status;
  readonly details?: string;
  readonly certChain?: readonly string[];
};

/** A certificate service whose answers the test decides. */
class Fixture implements AsyncDisposable {
  readonly ca = new TestCa();
  readonly directory = temporaryDirectory();
  readonly clock = new FakeClock(Date.now());
  readonly calls: { readonly token: string | undefined; readonly request: CreateCertificateRequest }[] = [];
  readonly server: GrpcServer;
  port = 0;
  /** Undefined: no answer at all. */
  answer: Answer | undefined = () => ({
    certChain: [this.ca.leaf(request.identity.text).certPem, this.ca.certificate.certPem],
  });

  constructor(shown?: (ca: TestCa) => TestCertificate) {
    const leaf = shown?.(this.ca) ?? this.ca.leaf(identity.text);
    this.server = createGrpcServer({ listen: '127.0.0.1:0', tls: leaf });
    this.server.server.addService(loadCertificateService(), {
      CreateCertificate: (
        call: ServerUnaryCall<CreateCertificateRequest, CreateCertificateResponse>,
        done: sendUnaryData<CreateCertificateResponse>,
      ) => {
        this.calls.push({ token: bearerToken(call.metadata), request: call.request });
        const answer = this.answer?.(call);
        if (answer?.certChain !== undefined) done(null, { certChain: answer.certChain });
        else if (answer !== undefined) done({ ...answer, metadata: new Metadata() });
      },
    });
    this.write('bundle.pem', this.ca.certificate.certPem);
    this.write('token', 'first-token\n');
  }

  async start(): Promise<this> {
    this.port = await this.server.listen();
    return this;
  }

  /** Puts a file in place as a whole, as tools that rotate files do. */
  write(name: string, text: string): void {
    writeFileSync(this.directory.file('.new'), text);
    renameSync(this.directory.file('.new'), this.directory.file(name));
  }

  client(server: ExpectedServer = { spiffeId: identity }): CertificateClient {
    const credentials = new ControlPlaneCredentials({
      trustBundleFile: this.directory.file('bundle.pem'),
      tokenFile: this.directory.file('token'),
      server,
    });
    return new CertificateClient({ address: `127.0.0.1:${this.port}`, credentials, clock: this.clock });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    this.directory[Symbol.dispose]();
  }
}

describe('CertificateClient', () => {
  it('sends the request, the identity and the token, and gives the chain with the trust bundle', async () => {
    await using fixture = await new Fixture().start();
    using client = fixture.client();
    const answer = await client.sign(request);
    expect(fixture.calls).toEqual([
      {
        token: 'first-token',
        request: expect.objectContaining({ csr: 'the request', validityDuration: 91 }) as unknown,
      },
    ]);
    expect(fixture.calls[0]?.request.metadata?.fields.ImpersonatedIdentity?.stringValue).toBe(request.identity.text);
    expect(answer.chain).toHaveLength(2);
    expect(answer.chain[1]).toEqual(fixture.ca.certificate.der);
    expect(answer.trusted?.pem).toBe(fixture.ca.certificate.certPem);
  });

  it('reads the token anew for each call', async () => {
    await using fixture = await new Fixture().start();
    using client = fixture.client();
    await client.sign(request);
    fixture.write('token', 'second-token');
    await client.sign(request);
    expect(fixture.calls.map((call) => call.token)).toEqual(['first-token', 'second-token']);
  });

  it('reads the trust bundle anew when it changes', async () => {
    await using fixture = await new Fixture().start();
    fixture.write('bundle.pem', new TestCa().certificate.certPem);
    using client = fixture.client();
    await expect(client.sign(request)).rejects.toMatchObject({ code: 'ca-unavailable' });
    expect(fixture.calls).toEqual([]);
    fixture.write('bundle.pem', fixture.ca.certificate.certPem);
    await client.sign(request);
    expect(fixture.calls).toHaveLength(1);
    fixture.write('bundle.pem', 'nothing');
    await expect(client.sign(request)).rejects.toMatchObject({ code: 'invalid-trust-bundle' });
  });

  it.each<readonly [string, (ca: TestCa) => TestCertificate]>([
    ['another identity', (ca) => ca.leaf('spiffe://cluster.local/ns/shop/sa/cart')],
    ['another trust domain', (ca) => ca.leaf(controllerIdentity('elsewhere').text)],
    ...(['expired', 'not-yet-valid', 'foreign', 'two-uris', 'no-uri', 'ca-true', 'wrong-usage'] as const).map(
      (defect: TestDefect) => [defect, (ca: TestCa) => ca.defective(defect, identity.text)] as const,
    ),
  ])('sends nothing to a server whose certificate is of or is %s', async (_name, shown) => {
    await using fixture = await new Fixture(shown).start();
    using client = fixture.client();
    await expect(client.sign(request)).rejects.toMatchObject({ code: 'ca-unavailable' });
    expect(fixture.calls).toEqual([]);
  });

  it('checks a DNS name instead, for a service that is not ours', async () => {
    const dnsNames = ['istio-csr.cert-manager.svc'];
    await using fixture = await new Fixture((ca) => ca.issue({ dnsNames })).start();
    using client = fixture.client({ dnsName: 'istio-csr.cert-manager.svc' });
    await client.sign(request);
    using other = fixture.client({ dnsName: 'other.cert-manager.svc' });
    await expect(other.sign(request)).rejects.toMatchObject({ code: 'ca-unavailable' });
    expect(fixture.calls).toHaveLength(1);
  });

  it('tells a refusal from a failure that may pass', async () => {
    await using fixture = await new Fixture().start();
    using client = fixture.client();
    const refusals: [status, string][] = [
      [status.PERMISSION_DENIED, 'ca-refused'],
      [status.UNAUTHENTICATED, 'ca-refused'],
      [status.INVALID_ARGUMENT, 'ca-refused'],
      [status.RESOURCE_EXHAUSTED, 'ca-unavailable'],
      [status.UNAVAILABLE, 'ca-unavailable'],
    ];
    for (const [code, expected] of refusals) {
      fixture.answer = () => ({ code, details: 'the reason' });
      await expect(client.sign(request)).rejects.toMatchObject({
        code: expected,
        message: expect.stringContaining('the reason') as unknown,
      });
    }
  });

  it.each([
    ['no certificate', []],
    ['one certificate', [new TestCa().certificate.certPem]],
    ['rubbish', ['rubbish']],
    ['too many certificates', [new TestCa().certificate.certPem.repeat(17)]],
  ])('refuses an answer with %s', async (_name, certChain) => {
    await using fixture = await new Fixture().start();
    using client = fixture.client();
    fixture.answer = () => ({ certChain });
    await expect(client.sign(request)).rejects.toMatchObject({ code: 'ca-bad-answer' });
  });

  it('gives up a call that is not answered in time', async () => {
    await using fixture = await new Fixture().start();
    using client = fixture.client();
    const arrived = Promise.withResolvers<void>();
    fixture.answer = undefined;
    const { push } = fixture.calls;
    fixture.calls.push = (...calls) => {
      arrived.resolve();
      return push.apply(fixture.calls, calls);
    };
    const signed = client.sign(request);
    const refused = expect(signed).rejects.toThrow('did not answer in time');
    await arrived.promise;
    fixture.clock.advance(9_999);
    fixture.clock.advance(1);
    await refused;
  });
});

describe('createGrpcServer', () => {
  it('shows a new certificate to connections made after it was set', async () => {
    await using fixture = await new Fixture().start();
    using before = fixture.client();
    await before.sign(request);
    fixture.server.setCertificate(fixture.ca.leaf('spiffe://cluster.local/ns/shop/sa/other'));
    await before.sign(request);
    using after = fixture.client();
    await expect(after.sign(request)).rejects.toMatchObject({ code: 'ca-unavailable' });
  });

  it('says where it cannot listen', async () => {
    await using fixture = await new Fixture().start();
    const leaf = fixture.ca.leaf(identity.text);
    const second = createGrpcServer({ listen: `127.0.0.1:${fixture.port}`, tls: leaf });
    await expect(second.listen()).rejects.toMatchObject({ code: 'listen-failed' });
  });
});
