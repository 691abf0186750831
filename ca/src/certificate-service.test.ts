import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { CodedError, err, ok, systemClock } from '@tulle/core';
import {
  CertificateClient,
  ControlPlaneCredentials,
  controllerIdentity,
  createCsr,
  createGrpcServer,
} from '@tulle/identity';
import { generateKeyPair, loadCertificateService, SpiffeId, type GrpcServer } from '@tulle/identity';
import type { CreateCertificateRequest, CreateCertificateResponse } from '@tulle/identity';
import { FakeClock, RecordingLogger, temporaryDirectory, TestCa, testDefects } from '@tulle/testkit';
import type { TestDefect } from '@tulle/testkit';
import {
  authorizeFromFile,
  FileRootStore,
  NodeTokenAuthenticator,
  registerCertificateService,
  tokenOrCertificate,
} from './index.ts';
import type { AuditRecord, Authenticate, CertificateAuthority, CertificateServiceOptions } from './index.ts';

const tokenOfN1 = 'the-token-of-node-n1';
const cart = idOf('cart');
const web = idOf('web');

function idOf(serviceAccount: string): SpiffeId {
  const id = SpiffeId.forWorkload({ trustDomain: 'cluster.local', namespace: 'shop', serviceAccount });
  if (!id.ok) throw id.error;
  return id.value;
}

/** A certificate service on loopback, with node tokens and allowed identities in files. */
class Fixture implements AsyncDisposable {
  readonly directory = temporaryDirectory();
  readonly clock = new FakeClock(Date.now());
  readonly logger = new RecordingLogger();
  readonly audit: AuditRecord[] = [];
  readonly store = new FileRootStore(this.directory.file('ca'));
  readonly authority: CertificateAuthority;
  readonly server: GrpcServer;
  #port = 0;
  #client: Client | undefined;

  constructor(changes: Partial<CertificateServiceOptions> = {}) {
    mkdirSync(this.directory.file('tokens'));
    writeFileSync(this.directory.file('tokens/n1'), `${tokenOfN1}\n`);
    writeFileSync(this.directory.file('identities.json'), JSON.stringify({ n1: [cart.text], n2: [web.text] }));
    this.authority = this.store.open({ clock: systemClock, trustDomain: 'cluster.local' });
    const identity = controllerIdentity('cluster.local');
    const tls = this.authority.issueServingCertificate({ identity, dnsNames: ['localhost'] });
    this.server = createGrpcServer({
      listen: '127.0.0.1:0',
      tls,
      maxReceiveBytes: 64 * 1024,
      clientRootsPem: this.authority.trustBundle.pem,
    });
    const nodes = new NodeTokenAuthenticator({
      directory: this.directory.file('tokens'),
      clock: this.clock,
      logger: this.logger,
    });
    registerCertificateService(this.server.server, {
      authority: this.authority,
      authenticate: tokenOrCertificate((token) => nodes.authenticate(token), {
        clock: systemClock,
        trustDomain: 'cluster.local',
      }),
      authorize: authorizeFromFile(this.directory.file('identities.json')),
      clock: this.clock,
      logger: this.logger,
      audit: (record) => this.audit.push(record),
      ...changes,
    });
  }

  async start(): Promise<this> {
    this.#port = await this.server.listen();
    return this;
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** Calls the service with any request; gives the chain, or the gRPC code by number and its details. */
  call(
    token: string | undefined,
    request: Partial<CreateCertificateRequest>,
    own?: { readonly keyPem: string; readonly certPem: string },
  ): Promise<readonly string[] | [number, string]> {
    const shown = own === undefined ? [] : [Buffer.from(own.keyPem), Buffer.from(own.certPem)];
    const tls = credentials.createSsl(Buffer.from(this.authority.trustBundle.pem), ...shown);
    this.#client ??= new Client(this.address, tls, { 'grpc.ssl_target_name_override': 'localhost' });
    const client = this.#client;
    const metadata = new Metadata();
    if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
    const { path, requestSerialize, responseDeserialize } = loadCertificateService().CreateCertificate;
    const full = { csr: '', validityDuration: 0, metadata: null, ...request };
    return new Promise((resolve) => {
      const done = (error: ServiceError | null, response?: CreateCertificateResponse) =>
        resolve(error === null ? (response?.certChain ?? []) : [error.code, error.details]);
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, full, metadata, done);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client?.close();
    await this.server[Symbol.asyncDispose]();
    this.directory[Symbol.dispose]();
  }
}

function csr(): string {
  return createCsr(generateKeyPair(), cart);
}

function wanting(identity: string): Pick<CreateCertificateRequest, 'metadata'> {
  return { metadata: { fields: { ImpersonatedIdentity: { stringValue: identity } } } };
}

describe('the certificate service', () => {
  it('gives an agent a certificate of a service account of its node, and writes an audit line', async () => {
    await using fixture = await new Fixture().start();
    writeFileSync(fixture.directory.file('token'), tokenOfN1);
    using client = new CertificateClient({
      address: fixture.address,
      credentials: new ControlPlaneCredentials({
        trustBundleFile: fixture.store.bundleFile,
        tokenFile: fixture.directory.file('token'),
        server: { spiffeId: controllerIdentity('cluster.local') },
      }),
    });
    const { chain } = await client.sign({ identity: cart, csrPem: csr(), validityMs: 3_600_000 });
    expect(chain).toHaveLength(2);
    const [record] = fixture.audit as [AuditRecord];
    expect(record).toEqual({
      decision: 'issued',
      caller: 'node/n1',
      identity: cart.text,
      peer: expect.stringMatching(/^127\.0\.0\.1:/) as unknown,
      serial: expect.stringMatching(/^[0-9a-f]{32}$/) as unknown,
      notAfter: expect.stringMatching(/^\d{4}-.*Z$/) as unknown,
    });
    expect(fixture.logger.lines.at(-1)).toEqual({
      level: 'info',
      message: 'certificate issued',
      fields: { audit: true, ...record },
    });
  });

  it.each<
    readonly [string, string | undefined, Partial<CreateCertificateRequest>, number, string, Partial<AuditRecord>]
  >([
    ['no token', undefined, wanting(cart.text), 16, 'missing or not accepted', { code: 'no-token' }],
    [
      'an unknown token',
      'the-token-of-node-nX',
      wanting(cart.text),
      16,
      'missing or not accepted',
      { code: 'unknown-token' },
    ],
    [
      'an identity of another node',
      tokenOfN1,
      wanting(web.text),
      7,
      'node n1 may not have a certificate of',
      { code: 'not-allowed', caller: 'node/n1', identity: web.text },
    ],
    ['no identity', tokenOfN1, {}, 3, 'must name the identity', { code: 'no-identity', caller: 'node/n1' }],
    ['an identity that is none', tokenOfN1, wanting('root'), 3, 'is no SPIFFE id', { code: 'invalid-spiffe-id' }],
    [
      'an identity of no service account',
      tokenOfN1,
      wanting('spiffe://cluster.local/x'),
      3,
      'is not of the form',
      { code: 'invalid-spiffe-id' },
    ],
    [
      'an identity that is too long',
      tokenOfN1,
      wanting('x'.repeat(3000)),
      3,
      'too long',
      { code: 'invalid-spiffe-id' },
    ],
    ['no request to sign', tokenOfN1, wanting(cart.text), 3, 'expected one PEM block', { code: 'invalid-csr' }],
    [
      'a request that is too long',
      tokenOfN1,
      { csr: csr() + ' '.repeat(17_000), ...wanting(cart.text) },
      3,
      'longer than 16384 bytes',
      { code: 'invalid-csr' },
    ],
    [
      'a request that another key signed',
      tokenOfN1,
      {
        csr: createCsr({ ...generateKeyPair(), privateKey: generateKeyPair().privateKey }, cart),
        ...wanting(cart.text),
      },
      3,
      'not signed by the key',
      { code: 'csr-signature', identity: cart.text },
    ],
    [
      'a negative validity',
      tokenOfN1,
      { csr: csr(), validityDuration: -1, ...wanting(cart.text) },
      3,
      'validity_duration',
      { code: 'invalid-validity' },
    ],
  ])(
    'refuses %s, with the code, the reason and an audit line',
    async (_name, token, request, code, details, record) => {
      await using fixture = await new Fixture().start();
      const answer = await fixture.call(token, request);
      expect(answer).toEqual([code, expect.stringContaining(details)]);
      expect(fixture.audit).toEqual([expect.objectContaining({ decision: 'refused', ...record })]);
      expect(fixture.logger.lines.at(-1)).toMatchObject({ level: 'warn', message: 'certificate refused' });
      expect(JSON.stringify(fixture.logger.lines)).not.toContain(token ?? tokenOfN1);
    },
  );

  it('refuses a message that is too long before it is read', async () => {
    await using fixture = await new Fixture().start();
    const answer = await fixture.call(tokenOfN1, { csr: 'x'.repeat(100_000), ...wanting(cart.text) });
    expect(answer).toEqual([8, expect.stringContaining('larger than max')]);
    expect(fixture.audit).toEqual([]);
  });

  it('limits the rate of each caller, and lets it on as time passes', async () => {
    await using fixture = await new Fixture({ rateLimit: { perSecond: 2, burst: 3 } }).start();
    const codes: unknown[] = [];
    const call = async () => codes.push((await fixture.call(tokenOfN1, { csr: csr(), ...wanting(cart.text) }))[0]);
    for (let n = 0; n < 5; n++) await call();
    expect(codes.map((code) => (typeof code === 'number' ? code : 'issued'))).toEqual([
      'issued',
      'issued',
      'issued',
      8,
      8,
    ]);
    fixture.clock.advance(500);
    await call();
    await call();
    expect(codes.slice(5).map((code) => (typeof code === 'number' ? code : 'issued'))).toEqual(['issued', 8]);
    expect(fixture.audit.at(-1)).toMatchObject({ code: 'rate-limited', caller: 'node/n1' });
  });

  it('gives a workload its own identity when it names none, and no other', async () => {
    const authenticate: Authenticate = () => ok({ kind: 'workload', identity: cart });
    await using fixture = await new Fixture({
      authenticate,
      authorize: (caller, wanted) =>
        caller.kind === 'workload' && caller.identity.text === wanted.text
          ? ok(undefined)
          : err(new CodedError('not-allowed', 'only its own')),
    }).start();
    expect(await fixture.call('any', { csr: csr() })).toHaveLength(2);
    expect(fixture.audit[0]).toMatchObject({ caller: cart.text, identity: cart.text, decision: 'issued' });
    expect(await fixture.call('any', { csr: csr(), ...wanting(web.text) })).toEqual([7, 'only its own']);
  });

  describe('by a certificate of ours in place of a token', () => {
    /** What a workload holds, signed by the fixture's own root unless another is given. */
    const held = (fixture: Fixture, defect?: TestDefect) => {
      const certPem = readFileSync(fixture.store.certificateFile, 'utf8');
      const ca = new TestCa({ existing: { certPem, keyPem: readFileSync(fixture.store.keyFile, 'utf8') } });
      return defect === undefined ? ca.leaf(cart.text) : ca.defective(defect, cart.text);
    };

    it('gives a workload its own identity again, with an audit line', async () => {
      await using fixture = await new Fixture().start();
      expect(await fixture.call(undefined, { csr: csr() }, held(fixture))).toHaveLength(2);
      expect(fixture.audit).toEqual([
        expect.objectContaining({ decision: 'issued', caller: cart.text, identity: cart.text }),
      ]);
    });

    it('gives it no other identity, and none that no node has any more', async () => {
      await using fixture = await new Fixture().start();
      const own = held(fixture);
      expect((await fixture.call(undefined, { csr: csr(), ...wanting(web.text) }, own))[0]).toBe(7);
      writeFileSync(fixture.directory.file('identities.json'), JSON.stringify({ n1: [] }));
      expect((await fixture.call(undefined, { csr: csr() }, own))[0]).toBe(7);
      expect(fixture.audit.map(({ decision, code, caller }) => [decision, code, caller])).toEqual([
        ['refused', 'not-allowed', cart.text],
        ['refused', 'not-allowed', cart.text],
      ]);
    });

    it.each(testDefects)('counts a certificate with the defect "%s" as none, with an audit line', async (defect) => {
      await using fixture = await new Fixture().start();
      const answer = await fixture.call(undefined, { csr: csr() }, held(fixture, defect));
      expect(answer).toEqual([16, 'the bearer token is missing or not accepted']);
      expect(fixture.audit).toEqual([expect.objectContaining({ decision: 'refused' })]);
      expect(fixture.audit[0]?.caller).toBeUndefined();
    });
  });

  it('fails closed, without telling why, when a part of it fails', async () => {
    await using fixture = await new Fixture({
      authorize: () => {
        throw new Error('the index is broken');
      },
    }).start();
    const answer = await fixture.call(tokenOfN1, { csr: csr(), ...wanting(cart.text) });
    expect(answer).toEqual([13, 'the certificate authority failed; its log says why']);
    expect(fixture.audit[0]).toMatchObject({ code: 'internal', reason: 'the index is broken' });
  });
});

describe('authorizeFromFile', () => {
  it('reads the file again when it changes, and allows nothing while it cannot be used', async () => {
    await using fixture = await new Fixture().start();
    const request = () => fixture.call(tokenOfN1, { csr: csr(), ...wanting(web.text) });
    expect((await request())[0]).toBe(7);
    const file = fixture.directory.file('identities.json');
    const write = (text: string) => {
      writeFileSync(`${file}.new`, text);
      renameSync(`${file}.new`, file);
    };
    write(JSON.stringify({ n1: [web.text] }));
    expect((await request())[0]).toMatch(/BEGIN CERTIFICATE/);
    write('{"n1": ["nonsense"]}');
    expect(await request()).toEqual([14, expect.stringContaining('n1: "nonsense" is no SPIFFE id')]);
    rmSync(file);
    expect((await request())[0]).toBe(14);
  });
});
