import { createAskOnce } from '../adapters/http-client/whole-answer.ts';
import type { Config } from '../config/schema.ts';
import type { Clock } from '../kernel/clock.ts';
import { deny, type Denial } from '../kernel/reasons.ts';
import type { Upstream } from '../kernel/transport.ts';
import { ENGINE_METRICS_BOUNDS, takeOverMetrics } from '../vllm/engine-metrics.ts';

/** Metrics of an upstream by its name, as Prometheus text; or why there are none. */
export type EngineMetricsSource = (name: string) => Promise<string | Denial>;

/** What the source works with. */
export interface EngineMetricsDeps {
  readonly upstreams: readonly Upstream[];
  readonly userAgent: string;
  readonly clock: Clock;
}

/** Prometheus itself waits for 10 s. */
const BOUNDS = { totalMs: 8_000, maxBytes: 4 * 1024 * 1024 };
/** How old an answer may be: many readers must not be many questions. */
const FRESH_MS = 1_000;

/** Asks an upstream for its metrics when somebody reads them. */
export function createEngineMetrics({ upstreams: configured }: Config, deps: EngineMetricsDeps): EngineMetricsSource {
  const asked = new Map<number, { readonly atMs: number; readonly answer: Promise<string | Denial> }>();

  async function ask(index: number, name: string): Promise<string | Denial> {
    const upstream = deps.upstreams[index];
    if (upstream === undefined) return deny('unknown_object');
    const { apiKey } = configured[index] ?? {};
    const headers = ['user-agent', deps.userAgent, 'accept', 'text/plain'];
    if (apiKey !== undefined) headers.push('authorization', `Bearer ${apiKey}`);
    const request = { method: 'GET' as const, path: '/metrics', headers, body: undefined };
    const answer = await createAskOnce(upstream, deps.clock, BOUNDS)(request);
    if ('fault' in answer) return deny(answer.fault === 'timeout' ? 'upstream_timeout' : 'upstream_unreachable');
    return answer.status === 200 ? pageOf(name, answer.text) : deny('upstream_error');
  }

  return (name) => {
    const index = configured.findIndex((upstream) => upstream.name === name);
    if (index < 0) return Promise.resolve(deny('unknown_object'));
    const nowMs = deps.clock.monotonicMs();
    const last = asked.get(index);
    if (last !== undefined && nowMs - last.atMs < FRESH_MS) return last.answer;
    const answer = ask(index, name);
    asked.set(index, { atMs: nowMs, answer });
    return answer;
  };
}

function pageOf(name: string, text: string): string {
  const { text: own, refused } = takeOverMetrics(text, name, ENGINE_METRICS_BOUNDS);
  const family = 'sallyport_upstream_metrics_refused_lines';
  return `${own}# HELP ${family} Lines of the upstream's metrics that were left out.\n# TYPE ${family} gauge\n${family}{upstream="${name}"} ${refused}\n`;
}
