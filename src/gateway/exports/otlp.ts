import { readFileSync } from 'node:fs';
import { createHttpUpstream } from '../../adapters/http-client/upstream.ts';
import { createAskOnce } from '../../adapters/http-client/whole-answer.ts';
import type { Config } from '../../config/schema.ts';
import type { Export } from '../../kernel/export.ts';
import type { OtlpConfig } from '../../telemetry/config.ts';
import { createTelemetry } from '../../telemetry/exporter.ts';
import { ATTRIBUTE } from '../../telemetry/names.ts';
import type { ServerFacts, Surroundings } from '../../telemetry/subject.ts';
import { routes } from '../../vllm/routes/index.ts';
import type { ExportDeps } from './index.ts';

/** Name of the collector in metrics and log. */
const DESTINATION = 'otlp';

/** Sends spans and metrics to the collector of the configuration. */
export function openOtlp(otlp: OtlpConfig, deps: ExportDeps): Export {
  const { config, clock, version, instance, host } = deps;
  const { origin, pathname } = new URL(otlp.endpoint);
  const base = pathname.replace(/\/+$/, '');
  const caPem = otlp.caFile === undefined ? undefined : readFileSync(otlp.caFile, 'utf8');
  const tls = { caPem, serverName: undefined, certPem: undefined, keyPem: undefined };
  const connectMs = Math.min(otlp.timeoutMs, CONNECT_MS);
  const times = { firstByteMs: otlp.timeoutMs, betweenChunksMs: otlp.timeoutMs, totalMs: otlp.timeoutMs };
  const bounds = { totalMs: otlp.timeoutMs, maxBytes: MAX_ANSWER_BYTES };
  const ask = createAskOnce(createHttpUpstream({ url: origin, tls }, { connectMs, ...times }), clock, bounds);
  const headers = ['content-type', 'application/json', 'user-agent', `sallyport/${version}`];
  for (const [name, value] of Object.entries(otlp.headers)) headers.push(name.toLowerCase(), value);
  return createTelemetry(otlp, {
    sender: {
      version,
      resource: {
        [ATTRIBUTE.serviceName]: 'sallyport',
        [ATTRIBUTE.serviceVersion]: version,
        [ATTRIBUTE.serviceInstance]: instance,
        [ATTRIBUTE.hostName]: host,
        ...otlp.attributes,
      },
    },
    around: surroundingsOf(config),
    clock,
    random: Math.random,
    post: (path, body) => ask({ method: 'POST', path: `${base}${path}`, headers, body }),
    count: (result, howMany) => deps.count(DESTINATION, result, howMany),
    onHealth(signal, why) {
      const facts = { destination: DESTINATION, signal };
      if (why === undefined) deps.log('info', 'exports', { ...facts, state: 'works again' });
      else deps.log('warn', 'exports', { ...facts, state: 'fails', why });
    },
  });
}

const CONNECT_MS = 5_000;
/** What a collector says in its answer fits in less. */
const MAX_ANSWER_BYTES = 64 * 1024;

function surroundingsOf({ upstreams }: Config): Surroundings {
  return {
    routes: new Map(routes.map(({ id, path, family }) => [id, { path, family }])),
    upstreams: new Map(upstreams.map(({ name, url }) => [name, serverOf(url)])),
  };
}

function serverOf(url: string): ServerFacts {
  if (url.startsWith('unix:')) return { address: url.slice('unix:'.length), port: undefined };
  const { hostname, port, protocol } = new URL(url);
  return { address: hostname, port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port) };
}
