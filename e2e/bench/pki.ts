import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TestCa } from '@tulle/testkit';

/** The names that the peers' proxies know each other by. */
export const identities = {
  client: 'spiffe://cluster.local/ns/bench/sa/client',
  server: 'spiffe://cluster.local/ns/bench/sa/server',
  /** Signed by the same authority, but allowed nowhere. */
  stranger: 'spiffe://cluster.local/ns/bench/sa/stranger',
} as const;

/** Also in the server's certificate: haproxy can match a server's DNS name, but no URI name. */
export const serverDnsName = 'server.bench.svc.cluster.local';

/** The files of one identity. */
export interface KeyPairFiles {
  readonly certificate: string;
  readonly key: string;
  /** Certificate and key in one file, as haproxy wants them. */
  readonly both: string;
}

/** The files of the peers' authority, all P-256. */
export interface PkiFiles {
  readonly ca: string;
  readonly client: KeyPairFiles;
  readonly server: KeyPairFiles;
  readonly stranger: KeyPairFiles;
}

/** Makes an authority and a certificate for each of {@link identities}, valid for a day. */
export function writePki(directory: string): PkiFiles {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const ca = new TestCa({ commonName: 'benchmark root' });
  const write = (name: string, text: string) => {
    const path = join(directory, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  const pair = (name: keyof typeof identities): KeyPairFiles => {
    const leaf = ca.leaf(identities[name], name === 'server' ? { dnsNames: [serverDnsName] } : {});
    return {
      certificate: write(`${name}.crt`, leaf.certPem),
      key: write(`${name}.key`, leaf.keyPem),
      both: write(`${name}.pem`, `${leaf.certPem.trimEnd()}\n${leaf.keyPem}`),
    };
  };
  return {
    ca: write('ca.crt', ca.certificate.certPem),
    client: pair('client'),
    server: pair('server'),
    stranger: pair('stranger'),
  };
}
