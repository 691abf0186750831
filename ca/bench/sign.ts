// How many certificates a second one core signs: request parsed and its signature checked, certificate made and signed.
// A second of the core's own time, so that what else runs on the machine does not count: `node ca/bench/sign.ts`.
import { parseArgs } from 'node:util';
import { systemClock } from '@tulle/core';
import { createCsr, generateKeyPair, SpiffeId } from '@tulle/identity';
import { CertificateAuthority } from '../src/index.ts';
import { generateRootKey, selfSignedRoot } from '../src/root.ts';

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '3' } } });
const key = generateRootKey();
const authority = CertificateAuthority.load(
  {
    certificatePem: selfSignedRoot(key, 'cluster.local', Date.now()),
    keyPem: key.export({ type: 'pkcs8', format: 'pem' }),
  },
  { clock: systemClock, trustDomain: 'cluster.local' },
);
const parsed = SpiffeId.parse('spiffe://cluster.local/ns/shop/sa/cart');
if (!parsed.ok) throw parsed.error;
const identity = parsed.value;
const requests = Array.from({ length: 200 }, () => createCsr(generateKeyPair(), identity));

function signFor(ms: number): number {
  const begin = performance.now();
  const before = process.cpuUsage();
  let count = 0;
  while (performance.now() - begin < ms) {
    const csrPem = requests[count++ % requests.length] as string;
    const signed = authority.sign({ csrPem, identity });
    if (!signed.ok) throw signed.error;
  }
  const { user, system } = process.cpuUsage(before);
  return (count / (user + system)) * 1e6;
}

signFor(1000);
const rate = signFor(Number(values.seconds) * 1000);
process.stdout.write(
  `${JSON.stringify({ certificatesPerSecond: Math.round(rate), microseconds: Math.round(1e6 / rate) })}\n`,
);
