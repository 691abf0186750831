import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { identities } from '../pki.ts';
import type { KeyPairFiles, PkiFiles } from '../pki.ts';
import { backendPorts, firstPorts, matchHeader, routeHeader, tunnelPorts, weights } from './peer.ts';
import type { PeerSetup, PodProgram, ProxyPair, ServerAddresses } from './peer.ts';

/** A piece of Envoy's configuration. */
type Config = { readonly [key: string]: unknown };

const types = 'type.googleapis.com/envoy.extensions';

function address(host: string, port: number): Config {
  return { address: { socket_address: { address: host, port_value: port } } };
}

function commonTls(pki: PkiFiles, pair: KeyPairFiles, peer: string, alpn: string | undefined): Config {
  return {
    ...(alpn === undefined ? {} : { alpn_protocols: [alpn] }),
    // TLS 1.3 suites are not configurable in BoringSSL; AES-128-GCM is its first where the processor has AES.
    tls_params: {
      tls_minimum_protocol_version: 'TLSv1_3',
      tls_maximum_protocol_version: 'TLSv1_3',
      ecdh_curves: ['P-256'],
    },
    tls_certificates: [{ certificate_chain: { filename: pair.certificate }, private_key: { filename: pair.key } }],
    validation_context: {
      trusted_ca: { filename: pki.ca },
      match_typed_subject_alt_names: [{ san_type: 'URI', matcher: { exact: peer } }],
    },
  };
}

function upstreamTls(pki: PkiFiles, alpn: string | undefined): Config {
  return {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': `${types}.transport_sockets.tls.v3.UpstreamTlsContext`,
      common_tls_context: commonTls(pki, pki.client, identities.server, alpn),
    },
  };
}

function downstreamTls(pki: PkiFiles, alpn: string | undefined): Config {
  return {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': `${types}.transport_sockets.tls.v3.DownstreamTlsContext`,
      require_client_certificate: true,
      common_tls_context: commonTls(pki, pki.server, identities.client, alpn),
    },
  };
}

function cluster(name: string, host: string, port: number, more: Config = {}): Config {
  return {
    name,
    type: 'STATIC',
    connect_timeout: '5s',
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint: address(host, port) }] }] },
    ...more,
  };
}

const http2Upstream: Config = {
  typed_extension_protocol_options: {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
      '@type': `${types}.upstreams.http.v3.HttpProtocolOptions`,
      explicit_http_config: { http2_protocol_options: {} },
    },
  },
};

/** An HTTP listener. Request ids and Envoy's own headers are left out: nobody else makes them. */
function httpFilter(name: string, virtualHost: Config): Config {
  return {
    name: 'envoy.filters.network.http_connection_manager',
    typed_config: {
      '@type': `${types}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
      stat_prefix: name,
      generate_request_id: false,
      route_config: { virtual_hosts: [{ name, domains: ['*'], ...virtualHost }] },
      http_filters: [
        {
          name: 'envoy.filters.http.router',
          typed_config: { '@type': `${types}.filters.http.router.v3.Router`, suppress_envoy_headers: true },
        },
      ],
    },
  };
}

function tcpFilter(cluster: string): Config {
  return {
    name: 'envoy.filters.network.tcp_proxy',
    typed_config: {
      '@type': `${types}.filters.network.tcp_proxy.v3.TcpProxy`,
      stat_prefix: cluster,
      cluster,
    },
  };
}

function listener(name: string, host: string, port: number, filter: Config, transportSocket?: Config): Config {
  return {
    name,
    ...address(host, port),
    filter_chains: [
      { filters: [filter], ...(transportSocket === undefined ? {} : { transport_socket: transportSocket }) },
    ],
  };
}

/** The route that every peer has: a header match, a weight, a header set. */
function routedHost(prefix: string): Config {
  return {
    request_headers_to_add: [
      { header: { key: routeHeader.name, value: routeHeader.value }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' },
    ],
    routes: [
      {
        match: { prefix: '/', headers: [{ name: matchHeader.name, string_match: { exact: matchHeader.value } }] },
        route: { cluster: `${prefix}-v2` },
      },
      {
        match: { prefix: '/' },
        route: {
          weighted_clusters: {
            clusters: [
              { name: `${prefix}-v1`, weight: weights.v1 },
              { name: `${prefix}-v2`, weight: weights.v2 },
            ],
          },
        },
      },
    ],
  };
}

function program(setup: PeerSetup, file: string, config: Config, ports: readonly number[]): PodProgram {
  const path = join(setup.directory, file);
  writeFileSync(path, stringify(config, { aliasDuplicateObjects: false }));
  return {
    name: 'envoy',
    command: [setup.envoy, '-c', path, '--concurrency', '1', '--disable-hot-restart', '-l', 'warning'],
    ports,
  };
}

/**
 * Two Envoys. With `http2` as is best practice: HTTP/2 between them, both at the level of requests. Else the second only
 * ends the tunnel and passes bytes, as Tulle's second hop does, and the first speaks HTTP/1.1 through it.
 */
export function envoyPair(name: 'envoy' | 'envoy-tcp'): ProxyPair {
  const http2 = name === 'envoy';
  const alpn = http2 ? 'h2' : undefined;
  return {
    name,
    processName: 'envoy',
    second(setup) {
      const tls = downstreamTls(setup.pki, alpn);
      const backends = ['v1', 'v2', 'h2v1', 'h2v2'] as const;
      const listeners = backends.map((each) => {
        const filter = http2
          ? httpFilter(each, { routes: [{ match: { prefix: '/' }, route: { cluster: each } }] })
          : tcpFilter(each);
        return listener(each, '0.0.0.0', tunnelPorts[each], filter, tls);
      });
      const plainTls = downstreamTls(setup.pki, undefined);
      const static_resources = {
        listeners: [...listeners, listener('bulk', '0.0.0.0', tunnelPorts.bulk, tcpFilter('bulk'), plainTls)],
        clusters: [...backends, 'bulk' as const].map((each) =>
          cluster(each, '127.0.0.1', backendPorts[each], each.startsWith('h2') ? http2Upstream : {}),
        ),
      };
      return program(setup, 'second.yaml', { static_resources }, Object.values(tunnelPorts));
    },
    first(setup: PeerSetup, servers: ServerAddresses) {
      const placements = ['across', 'same-node'] as const;
      const more = { transport_socket: upstreamTls(setup.pki, alpn), ...(http2 ? http2Upstream : {}) };
      const static_resources = {
        listeners: [
          ...placements.map((each) => listener(each, '0.0.0.0', firstPorts[each], httpFilter(each, routedHost(each)))),
          listener('h2', '0.0.0.0', firstPorts.h2, httpFilter('h2', routedHost('h2'))),
          listener('bulk', '0.0.0.0', firstPorts.bulk, tcpFilter('bulk')),
        ],
        clusters: [
          ...(['v1', 'v2'] as const).map((backend) =>
            cluster(`h2-${backend}`, servers.across, tunnelPorts[`h2${backend}`], { ...more, ...http2Upstream }),
          ),
          ...placements.flatMap((each) =>
            (['v1', 'v2'] as const).map((backend) =>
              cluster(`${each}-${backend}`, servers[each], tunnelPorts[backend], more),
            ),
          ),
          cluster('bulk', servers.across, tunnelPorts.bulk, { transport_socket: upstreamTls(setup.pki, undefined) }),
        ],
      };
      return program(setup, 'first.yaml', { static_resources }, Object.values(firstPorts));
    },
  };
}
