import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  type KeyObject,
  X509Certificate,
} from 'node:crypto';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import {
  AlgorithmIdentifier,
  AuthorityKeyIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  BasicConstraints,
  Certificate,
  ExtendedKeyUsage,
  Extension,
  Extensions,
  GeneralName,
  KeyIdentifier,
  KeyUsage,
  KeyUsageFlags,
  Name,
  RelativeDistinguishedName,
  SubjectAlternativeName,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_subjectAltName,
  id_ce_subjectKeyIdentifier,
} from '@peculiar/asn1-x509';

const ecdsaWithSha256 = '1.2.840.10045.4.3.2';
const commonNameOid = '2.5.4.3';
const clientAuth = '1.3.6.1.5.5.7.3.2';
const serverAuth = '1.3.6.1.5.5.7.3.1';
const hourMs = 60 * 60 * 1000;

/** What a test certificate says. What is not given is as a correct workload certificate has it. */
export interface TestCertificateOptions {
  /** URI names; a correct leaf has exactly one, a SPIFFE id. */
  readonly uris?: readonly string[];
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
  /** CA:TRUE or CA:FALSE. */
  readonly ca?: boolean;
  /** Extended key usages; `[]` leaves the extension out. */
  readonly usages?: readonly ('client' | 'server' | 'codeSigning')[];
  /** Key usage bits (`KeyUsageFlags` of RFC 5280); null leaves the extension out. */
  readonly keyUsage?: number | null;
  readonly notBeforeMs?: number;
  readonly notAfterMs?: number;
  readonly commonName?: string;
  /** The key; a new P-256 one by default. */
  readonly publicKey?: KeyObject;
}

/** A certificate with its key, PEM and parsed. */
export interface TestCertificate {
  readonly certPem: string;
  readonly keyPem: string;
  readonly x509: X509Certificate;
  readonly der: Buffer;
}

/** An authority for tests, whose certificates may have any defect. Made from ASN.1 directly, not by the code under test. */
export class TestCa {
  /** The authority's own certificate and key. */
  readonly certificate: TestCertificate;
  readonly #key: KeyObject;
  readonly #name: Name;

  /** Makes an authority; with `parent` an intermediate one, with `existing` one that is there already. */
  constructor(
    options: {
      readonly commonName?: string;
      readonly parent?: TestCa;
      readonly notBeforeMs?: number;
      readonly notAfterMs?: number;
      readonly existing?: { readonly certPem: string; readonly keyPem: string };
    } = {},
  ) {
    if (options.existing !== undefined) {
      const x509 = new X509Certificate(options.existing.certPem);
      this.#key = createPrivateKey(options.existing.keyPem);
      this.#name = AsnConvert.parse(x509.raw, Certificate).tbsCertificate.subject;
      this.certificate = { ...options.existing, x509, der: x509.raw };
      return;
    }
    const commonName = options.commonName ?? `test root ${randomBytes(3).toString('hex')}`;
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#key = pair.privateKey;
    this.#name = nameOf(commonName);
    const nowMs = Date.now();
    const settings: TestCertificateOptions = {
      commonName,
      ca: true,
      usages: [],
      keyUsage: KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign,
      notBeforeMs: options.notBeforeMs ?? nowMs - 24 * hourMs,
      notAfterMs: options.notAfterMs ?? nowMs + 10 * 365 * 24 * hourMs,
    };
    const signer = options.parent ?? this;
    this.certificate = testCertificate(pair, settings, signer.#name, signer.#key);
  }

  /** Issues a certificate with the content given. */
  issue(options: TestCertificateOptions = {}): TestCertificate {
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const publicKey = options.publicKey ?? pair.publicKey;
    return testCertificate({ publicKey, privateKey: pair.privateKey }, options, this.#name, this.#key);
  }

  /** A correct leaf for a SPIFFE id. */
  leaf(spiffeId: string, options: TestCertificateOptions = {}): TestCertificate {
    return this.issue({ uris: [spiffeId], ...options });
  }

  /** A leaf with one defect, named as it is; all else is correct. `nowMs` is the time of the check. */
  defective(defect: TestDefect, spiffeId: string, nowMs: number = Date.now()): TestCertificate {
    switch (defect) {
      case 'expired':
        return this.leaf(spiffeId, { notBeforeMs: nowMs - 2 * hourMs, notAfterMs: nowMs - hourMs });
      case 'not-yet-valid':
        return this.leaf(spiffeId, { notBeforeMs: nowMs + hourMs, notAfterMs: nowMs + 2 * hourMs });
      case 'foreign':
        return new TestCa({ commonName: 'foreign root' }).leaf(spiffeId);
      case 'two-uris':
        return this.issue({ uris: [spiffeId, `${spiffeId}-other`] });
      case 'no-uri':
        return this.issue({ uris: [], dnsNames: ['workload.example'] });
      case 'no-san':
        return this.issue({ uris: [] });
      case 'not-spiffe':
        return this.issue({ uris: ['https://example.com/'] });
      case 'ca-true':
        return this.leaf(spiffeId, { ca: true });
      case 'wrong-usage':
        return this.leaf(spiffeId, { usages: ['codeSigning'] });
      case 'wrong-key-usage':
        return this.leaf(spiffeId, { keyUsage: KeyUsageFlags.digitalSignature | KeyUsageFlags.keyCertSign });
    }
  }
}

/** Ways in which a workload's certificate can be wrong. */
export type TestDefect =
  | 'expired'
  | 'not-yet-valid'
  | 'foreign'
  | 'two-uris'
  | 'no-uri'
  | 'no-san'
  | 'not-spiffe'
  | 'ca-true'
  | 'wrong-usage'
  | 'wrong-key-usage';

/** All defects, for `it.each`. */
export const testDefects: readonly TestDefect[] = [
  'expired',
  'not-yet-valid',
  'foreign',
  'two-uris',
  'no-uri',
  'no-san',
  'not-spiffe',
  'ca-true',
  'wrong-usage',
  'wrong-key-usage',
];

function testCertificate(
  pair: { readonly publicKey: KeyObject; readonly privateKey: KeyObject },
  options: TestCertificateOptions,
  issuer: Name,
  issuerKey: KeyObject,
): TestCertificate {
  const nowMs = Date.now();
  const serial = randomBytes(16);
  serial[0] = ((serial[0] as number) & 0x7f) | 0x40;
  const tbs = new TBSCertificate({
    version: Version.v3,
    serialNumber: toArrayBuffer(serial),
    signature: new AlgorithmIdentifier({ algorithm: ecdsaWithSha256 }),
    issuer,
    validity: new Validity({
      notBefore: new Date(options.notBeforeMs ?? nowMs - hourMs),
      notAfter: new Date(options.notAfterMs ?? nowMs + 24 * hourMs),
    }),
    subject: options.commonName === undefined ? new Name() : nameOf(options.commonName),
    subjectPublicKeyInfo: AsnConvert.parse(
      pair.publicKey.export({ type: 'spki', format: 'der' }),
      SubjectPublicKeyInfo,
    ),
    extensions: new Extensions([
      ...extensionsOf(options),
      extension(id_ce_subjectKeyIdentifier, new SubjectKeyIdentifier(keyId(pair.publicKey)), false),
      extension(
        id_ce_authorityKeyIdentifier,
        new AuthorityKeyIdentifier({ keyIdentifier: new KeyIdentifier(keyId(publicHalf(issuerKey))) }),
        false,
      ),
    ]),
  });
  const signature = sign('sha256', Buffer.from(AsnConvert.serialize(tbs)), issuerKey);
  const certificate = new Certificate({
    tbsCertificate: tbs,
    signatureAlgorithm: new AlgorithmIdentifier({ algorithm: ecdsaWithSha256 }),
    signatureValue: toArrayBuffer(signature),
  });
  const der = Buffer.from(AsnConvert.serialize(certificate));
  const x509 = new X509Certificate(der);
  return { der, x509, certPem: x509.toString(), keyPem: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }) };
}

function extensionsOf(options: TestCertificateOptions): Extension[] {
  const list: Extension[] = [
    extension(id_ce_basicConstraints, new BasicConstraints({ cA: options.ca ?? false }), true),
  ];
  const keyUsage = options.keyUsage === undefined ? KeyUsageFlags.digitalSignature : options.keyUsage;
  if (keyUsage !== null) list.push(extension(id_ce_keyUsage, new KeyUsage(keyUsage), true));
  const usages = (options.usages ?? ['client', 'server']).map((usage) => {
    if (usage === 'client') return clientAuth;
    return usage === 'server' ? serverAuth : '1.3.6.1.5.5.7.3.3';
  });
  if (usages.length > 0) list.push(extension(id_ce_extKeyUsage, new ExtendedKeyUsage(usages), false));
  const names = [
    ...(options.uris ?? []).map((uniformResourceIdentifier) => new GeneralName({ uniformResourceIdentifier })),
    ...(options.dnsNames ?? []).map((dNSName) => new GeneralName({ dNSName })),
    ...(options.ipAddresses ?? []).map((iPAddress) => new GeneralName({ iPAddress })),
  ];
  if (names.length > 0) {
    const critical = options.commonName === undefined;
    list.push(extension(id_ce_subjectAltName, new SubjectAlternativeName(names), critical));
  }
  return list;
}

function publicHalf(privateKey: KeyObject): KeyObject {
  return createPublicKey(privateKey.export({ type: 'pkcs8', format: 'pem' }));
}

function keyId(publicKey: KeyObject): ArrayBuffer {
  const spki = AsnConvert.parse(publicKey.export({ type: 'spki', format: 'der' }), SubjectPublicKeyInfo);
  return toArrayBuffer(createHash('sha1').update(Buffer.from(spki.subjectPublicKey)).digest());
}

function extension(extnID: string, value: object, critical: boolean): Extension {
  return new Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) });
}

function nameOf(commonName: string): Name {
  const value = new AttributeValue({ utf8String: commonName });
  return new Name([new RelativeDistinguishedName([new AttributeTypeAndValue({ type: commonNameOid, value })])]);
}

function toArrayBuffer(bytes: Uint8Array): ArrayBuffer {
  const copy = new ArrayBuffer(bytes.length);
  new Uint8Array(copy).set(bytes);
  return copy;
}

/** The private key of a PEM, for tests that sign. */
export function testKey(keyPem: string): KeyObject {
  return createPrivateKey(keyPem);
}
