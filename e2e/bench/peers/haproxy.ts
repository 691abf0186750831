import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { identities, serverDnsName } from '../pki.ts';
import { backendPorts, firstPorts, matchHeader, routeHeader, tunnelPorts, weights } from './peer.ts';
import type { PeerSetup, PodProgram, ProxyPair, ServerAddresses } from './peer.ts';

/** One thread, no log; counters are always on. Connections to servers are shared by all clients. */
const common = `
global
  nbthread 1
  maxconn 4096
  tune.maxrewrite 1024
defaults
  mode http
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  timeout http-keep-alive 1h
  option http-keep-alive
  http-reuse always
`;

/** The suite and the version of both ends; the curve is chosen by the server's end. */
const tlsOptions = 'ssl-min-ver TLSv1.3 ciphersuites TLS_AES_128_GCM_SHA256';

function secondConfig(setup: PeerSetup): string {
  const { pki } = setup;
  const bind = `ssl crt ${pki.server.both} ca-file ${pki.ca} verify required curves P-256 ${tlsOptions}`;
  // haproxy has no sample for URI names: the bytes of the client's certificate hold it. Once for each connection.
  const name = Buffer.from(identities.client).toString('hex').toUpperCase();
  const check = `tcp-request session reject unless { ssl_c_der,hex -m sub ${name} }`;
  const part = (backend: keyof typeof tunnelPorts, mode: string, inner = '') => `
listen ${backend}
  mode ${mode}
  bind 0.0.0.0:${tunnelPorts[backend]} ${bind}${inner === '' ? '' : ' alpn h2'}
  ${check}
  server app 127.0.0.1:${backendPorts[backend]}${inner}
`;
  return (
    common +
    part('v1', 'http') +
    part('v2', 'http') +
    part('h2v1', 'http', ' proto h2') +
    part('h2v2', 'http', ' proto h2') +
    part('bulk', 'tcp')
  );
}

function firstConfig(setup: PeerSetup, servers: ServerAddresses): string {
  const { pki } = setup;
  const tls = `ssl crt ${pki.client.both} ca-file ${pki.ca} verify required verifyhost ${serverDnsName} ${tlsOptions}`;
  const server = (each: 'across' | 'same-node' | 'h2', version: 'v1' | 'v2') =>
    each === 'h2'
      ? `server ${version} ${servers.across}:${tunnelPorts[`h2${version}`]} ${tls} alpn h2`
      : `server ${version} ${servers[each]}:${tunnelPorts[version]} ${tls}`;
  const route = (each: 'across' | 'same-node' | 'h2') => `
frontend ${each}
  bind 0.0.0.0:${firstPorts[each]}${each === 'h2' ? ' proto h2' : ''}
  http-request set-header ${routeHeader.name} ${routeHeader.value}
  use_backend ${each}-v2 if { req.hdr(${matchHeader.name}) -m str ${matchHeader.value} }
  default_backend ${each}-weighted
backend ${each}-weighted
  balance roundrobin
  ${server(each, 'v1')} weight ${weights.v1}
  ${server(each, 'v2')} weight ${weights.v2}
backend ${each}-v2
  ${server(each, 'v2')}
`;
  const bulk = `
listen bulk
  mode tcp
  bind 0.0.0.0:${firstPorts.bulk}
  server second ${servers.across}:${tunnelPorts.bulk} ${tls}
`;
  return common + route('across') + route('same-node') + route('h2') + bulk;
}

function program(setup: PeerSetup, file: string, config: string, ports: readonly number[]): PodProgram {
  const path = join(setup.directory, file);
  writeFileSync(path, config);
  return { name: 'haproxy', command: ['haproxy', '-db', '-q', '-f', path], ports };
}

/** Two haproxies with HTTP/1.1 over mutual TLS between them. */
export const haproxyPair: ProxyPair = {
  name: 'haproxy',
  processName: 'haproxy',
  second: (setup) => program(setup, 'second.cfg', secondConfig(setup), Object.values(tunnelPorts)),
  first: (setup, servers) => program(setup, 'first.cfg', firstConfig(setup, servers), Object.values(firstPorts)),
};
