import * as z from 'zod';
import type { DeepReadonly } from '../kernel/deep-readonly.ts';
import { isLoopbackHost } from '../kernel/host.ts';
import { cidr, count, duration, flag, group, list, text } from '../kernel/option.ts';

const ENDPOINT_HINT =
  'Give the base URL of a collector for OTLP over HTTP, such as https://collector.example.org:4318; http: on this machine only. /v1/traces and /v1/metrics are added.';
const RATIO_HINT = 'Give a part of all traces from 0 to 1, such as 0.1.';
const HEADER_HINT = 'Give a header of visible ASCII characters, best as ${env:NAME} or ${file:PATH}.';
const ATTRIBUTE_HINT = 'Give names of letters, digits, dots, hyphens and underscores, each with a text.';

/** Headers that the client writes itself: a second one would be another message. */
const OWN_HEADERS = /^(host|connection|content-length|content-type|content-encoding|transfer-encoding|user-agent)$/i;

const headerName = text(
  'Give the name of a header that is not the gateway’s own.',
  (value) => /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$/.test(value) && !OWN_HEADERS.test(value),
);
const headerValue = z
  .string({ error: HEADER_HINT })
  .refine((value) => /^[\x21-\x7e](?:[\x20-\x7e]{0,4094}[\x21-\x7e])?$/.test(value), { error: HEADER_HINT });

const sampling = group({
  ratio: z
    .number({ error: RATIO_HINT })
    .min(0, { error: RATIO_HINT })
    .max(1, { error: RATIO_HINT })
    .prefault(0.1)
    .describe('Part of all traces that is kept whatever becomes of them.'),
  slow: duration('1ms', '1d').prefault('30s').describe('A request that takes so long is kept; so is one that fails.'),
})
  .prefault({})
  .transform(({ ratio, slow }) => ({ ratio, slowMs: slow }));

const otlp = group({
  endpoint: text(ENDPOINT_HINT, isCollectorUrl).describe('Base URL of the collector; OTLP over HTTP, in JSON.'),
  headers: z
    .record(headerName, headerValue, { error: 'Give a map of headers.' })
    .refine((value) => Object.keys(value).length <= 16, { error: 'Give at most 16 headers.' })
    .prefault({})
    .describe('Sent with each request, such as authorization; secrets.'),
  caFile: text('Give the path of certificates.').optional().describe('PEM file with the certificates to trust.'),
  traces: flag().prefault(true).describe('Whether spans are sent. Trace ids are made and passed on in any case.'),
  metrics: flag().prefault(true).describe('Whether metrics are sent.'),
  interval: duration('1s', '1h').prefault('60s').describe('How often metrics are sent.'),
  timeout: duration('100ms', '1m').prefault('10s').describe('For one request to the collector.'),
  queue: count(1, 100_000).prefault(4_096).describe('Most requests whose spans wait; those above are dropped.'),
  sampling,
  trustedContext: list(cidr())
    .prefault([])
    .describe('Peers whose traceparent is joined; from all others each request begins a trace.'),
  attributes: z
    .record(
      text(ATTRIBUTE_HINT, (value) => /^[A-Za-z][A-Za-z0-9._-]{0,127}$/.test(value)),
      text(ATTRIBUTE_HINT),
      { error: ATTRIBUTE_HINT },
    )
    .refine((value) => Object.keys(value).length <= 64, { error: 'Give at most 64 attributes.' })
    .prefault({})
    .describe('Attributes of the resource, such as deployment.environment.name.'),
}).transform(({ interval, timeout, ...rest }) => ({ ...rest, intervalMs: interval, timeoutMs: timeout }));

/** Metrics and traces. */
export const telemetryConfig = group({
  otlp: otlp.optional().describe('Traces and metrics for an OpenTelemetry collector; unset, nothing is sent.'),
  prometheus: z
    .union([z.boolean(), z.literal('open')], { error: 'Give true, false, or open (without credential).' })
    .prefault(true)
    .describe('Metrics at /metrics of the admin listener; open asks for no credential, on loopback only.'),
}).prefault({});

/** Traces and metrics for a collector, as they come out. Values of `headers` are secrets. */
export type OtlpConfig = DeepReadonly<z.output<typeof otlp>>;

/** In the clear only to this machine: who is on the way could read who asks what, and the header that lets us in. */
function isCollectorUrl(value: string): boolean {
  const url = URL.parse(value);
  if (url === null || url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') return false;
  if (/[\s?#@]/.test(value) || !/^[\x21-\x7e]+$/.test(value)) return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopbackHost(url.hostname));
}
