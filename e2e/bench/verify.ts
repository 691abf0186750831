import { join } from 'node:path';
import { CodedError } from '@tulle/core';
import type { Lab } from './lab.ts';
import type { PeerName } from './model.ts';
import { namespaces } from './manifests.ts';
import { matchHeader, routeHeader, weights } from './peers/peer.ts';
import type { KeyPairFiles } from './pki.ts';
import { run, runOrThrow } from './programs.ts';
import type { LoadTarget } from './load/target.ts';

const http2Ask = join(import.meta.dirname, 'load/http2-ask.ts');

const requests = 300;
const timeoutMs = 20_000;

/** A connection of HTTP/2 stays open after the answer: so long it is listened to. */
const knockMs = 1500;

/** RFC 9113, section 3.4: the preface of a client, an empty SETTINGS frame and a GOAWAY; a server answers with SETTINGS. */
const http2Opening = `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\0\0\x08\x07${'\0'.repeat(13)}`;

/**
 * Checks before anything is measured that a peer does the work that all do: it routes by a header, splits by weight and
 * sets a header, and its second proxy wants the right client. Throws a CodedError `NotTheSameWork` with what it found.
 */
export async function verifyWork(lab: Lab, peer: PeerName): Promise<void> {
  if (peer === 'direct') return;
  for (const destination of ['across', 'same-node', 'h2'] as const) {
    const target = lab.target(peer, destination);
    const protocol = destination === 'h2' ? 'h2' : 'http1';
    const plain = await ask(target, protocol);
    const share = plain.filter((line) => line.startsWith('v2 ')).length / requests;
    const expected = weights.v2 / (weights.v1 + weights.v2);
    // Four standard deviations of a draw for each request; who deals in turns is always inside.
    const allowed = 4 * Math.sqrt((expected * (1 - expected)) / requests);
    if (Math.abs(share - expected) > allowed)
      fail(peer, `${(share * 100).toFixed(1)} % of the requests went to v2, and ${expected * 100} % should`);
    const unset = plain.find((line) => line.split(' ')[1] !== routeHeader.value);
    if (unset !== undefined) fail(peer, `the backend did not get the header ${routeHeader.name}: "${unset}"`);
    const matched = await ask(target, protocol, matchHeader);
    const elsewhere = matched.find((line) => !line.startsWith('v2 '));
    if (elsewhere !== undefined) fail(peer, `a request with ${matchHeader.name} went elsewhere: "${elsewhere}"`);
  }
  if (peer === 'tulle') await verifyMesh(lab);
  else await verifyTunnel(lab, peer);
}

function fail(peer: PeerName, words: string): never {
  throw new CodedError('NotTheSameWork', `${peer}: ${words}`);
}

async function ask(
  target: LoadTarget,
  protocol: 'http1' | 'h2',
  header?: { readonly name: string; readonly value: string },
): Promise<string[]> {
  const url = `http://${target.host}:${target.port}/which`;
  const curl = ['-sS', '--max-time', '15', ...(header === undefined ? [] : ['-H', `${header.name}: ${header.value}`])];
  const named = header === undefined ? [] : [header.name, header.value];
  const [file, argv] =
    protocol === 'http1'
      ? ['curl', [...curl, `${url}?[1-${requests}]`]]
      : [process.execPath, ['--disable-warning=ExperimentalWarning', http2Ask, url, `${requests}`, ...named]];
  const stdout = await runOrThrow(file, argv, { netns: target.netns, timeoutMs });
  const lines = stdout.trim().split('\n');
  if (lines.length !== requests)
    throw new CodedError(
      'NotTheSameWork',
      `${lines.length} answers to ${requests} requests, the last: ${lines.at(-1)}`,
    );
  return lines;
}

/** Both agents must have a tunnel between these very pods, with a verified name at its other end. */
async function verifyMesh(lab: Lab): Promise<void> {
  const identity = `spiffe://cluster.local/ns/${namespaces.meshed}/sa/default`;
  for (const [node, direction] of [
    ['n1', 'outbound'],
    ['n2', 'inbound'],
  ] as const) {
    const { tunnels } = await lab.ground.askAgent<TunnelsAnswer>(node, '/v1/tunnels');
    if (!tunnels.some((tunnel) => tunnel.direction === direction && tunnel.peerIdentity === identity))
      fail('tulle', `the agent of ${node} has no ${direction} tunnel with ${identity}`);
  }
}

/** What the agents' admin endpoint says of tunnels. */
interface TunnelsAnswer {
  readonly tunnels: readonly { readonly direction: string; readonly peerIdentity: string }[];
}

async function verifyTunnel(lab: Lab, peer: PeerName): Promise<void> {
  const tunnel = lab.tunnel(peer);
  if (tunnel === undefined) return;
  const right = await knock(tunnel, lab.pki.client, lab.pki.ca, peer);
  if (!right.answered) fail(peer, 'the second proxy does not answer the right client');
  for (const wanted of ['TLSv1.3', 'TLS_AES_128_GCM_SHA256', 'prime256v1'])
    if (!right.session.includes(wanted)) fail(peer, `the tunnel is not ${wanted}:\n${right.session}`);
  const strangers = [
    ['a client without a certificate', undefined],
    ['a client with another SPIFFE name', lab.pki.stranger],
  ] as const;
  for (const [who, pair] of strangers) {
    if ((await knock(tunnel, pair, lab.pki.ca, peer)).answered) fail(peer, `the second proxy answers ${who}`);
  }
}

/**
 * Asks for something through a connection of openssl's: whether a byte came back, and what openssl says of the session.
 * It offers its suites in the order in which BoringSSL, and so Envoy as a client, offers them.
 */
async function knock(target: LoadTarget, pair: KeyPairFiles | undefined, ca: string, peer: PeerName) {
  const suites = ['-ciphersuites', 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256'];
  const identity = pair === undefined ? [] : ['-cert', pair.certificate, '-key', pair.key];
  const alpn = peer === 'envoy' ? ['-alpn', 'h2'] : [];
  const session = ['s_client', '-brief', '-ign_eof', '-connect', `${target.host}:${target.port}`, '-CAfile', ca];
  const input = peer === 'envoy' ? http2Opening : 'GET / HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n';
  const argv = [...session, ...suites, ...alpn, ...identity];
  const done = await run('openssl', argv, { netns: target.netns, timeoutMs: knockMs, input });
  return { session: done.stderr, answered: done.stdout.trim() !== '' };
}
