import type { Clock } from '../kernel/clock.ts';
import type { Export, SendResult } from '../kernel/export.ts';
import type { AuditRecord } from '../kernel/record.ts';
import { createDelivery } from './delivery.ts';
import { createHistograms } from './histograms.ts';
import { judgeAnswer, type CollectorAnswer } from './judge-answer.ts';
import { measure } from './measure.ts';
import { encodeMetrics, encodeSpans, encodeTraces, type Sender } from './otlp.ts';
import { isKept, type SamplingRules } from './sampling.ts';
import { spansOf } from './spans.ts';
import type { Surroundings } from './subject.ts';

/** What is sent, and how much of it waits. */
export interface TelemetryOptions {
  readonly traces: boolean;
  readonly metrics: boolean;
  readonly sampling: SamplingRules;
  /** How often metrics are sent. */
  readonly intervalMs: number;
  /** Requests whose spans may wait. */
  readonly queue: number;
}

/** What the telemetry works with. */
export interface TelemetryDeps {
  readonly sender: Sender;
  readonly around: Surroundings;
  readonly clock: Clock;
  readonly random: () => number;
  /** Posts to `/v1/traces` or `/v1/metrics` of the collector. Resolves in bounded time, and never rejects. */
  readonly post: (path: '/v1/traces' | '/v1/metrics', body: string) => Promise<CollectorAnswer>;
  readonly count: (result: SendResult, howMany: number) => void;
  readonly onHealth: (signal: 'traces' | 'metrics', why: string | undefined) => void;
}

/** Sets of attributes of one metric. */
const MAX_SERIES = 512;
/** Requests of one message: 512 are some 800 KB. */
const MAX_BATCH = 512;
/** A message of a whole second would hold up whoever shares the core: `bench/records.ts`. */
const GATHER_MS = 100;
const PAUSES = { firstPauseMs: 1_000, maxPauseMs: 30_000, giveUpMs: 300_000 };

/** Makes spans and metrics of what is recorded, and sends them; requests wait for none of it. */
export function createTelemetry(options: TelemetryOptions, deps: TelemetryDeps): Export {
  const { clock, sender, around } = deps;
  const histograms = createHistograms(clock.nowMs(), MAX_SERIES);
  const spans = createDelivery<string>(
    { maxWaiting: options.queue, maxBatch: MAX_BATCH, gatherMs: GATHER_MS, ...PAUSES },
    {
      clock,
      random: deps.random,
      post: async (requests) => {
        const answer = await deps.post('/v1/traces', encodeTraces(sender, requests));
        return judgeAnswer(answer, 'rejectedSpans', requests.length);
      },
      count: deps.count,
      onHealth: (why) => deps.onHealth('traces', why),
    },
  );
  let isSending = false;
  let isFailing = false;
  const timer = options.metrics ? clock.after(options.intervalMs, tick) : undefined;

  function tick(): void {
    timer?.refresh();
    void sendMetrics();
  }

  /** What does not arrive is in the next message, for the counts are since the start: nothing is tried twice. */
  async function sendMetrics(): Promise<void> {
    const metrics = histograms.read(clock.nowMs());
    if (isSending || metrics.length === 0) return;
    isSending = true;
    const answer = await deps.post('/v1/metrics', encodeMetrics(sender, metrics));
    isSending = false;
    const result = judgeAnswer(answer, 'rejectedDataPoints', Infinity);
    const why = result.kind === 'taken' ? undefined : result.why;
    deps.count(why === undefined ? 'sent' : 'failed', 1);
    if (isFailing === (why === undefined)) {
      isFailing = why !== undefined;
      deps.onHealth('metrics', why);
    }
  }

  function hear(record: AuditRecord): void {
    if (record.kind !== 'request' || record.outcome === 'begin') return;
    if (options.metrics) measure(record, around, histograms);
    if (!options.traces || record.traceId === undefined) return;
    if (!isKept(record.isSampled === true, record, options.sampling)) return;
    const encoded = encodeSpans(spansOf(record, around));
    if (encoded !== '') spans.add(encoded);
  }

  return {
    hear: (records) => records.forEach(hear),
    async close(graceMs) {
      timer?.cancel();
      const late = new Promise<void>((resolve) => void clock.after(graceMs, resolve));
      await Promise.race([late, Promise.all([spans.close(graceMs), options.metrics ? sendMetrics() : undefined])]);
    },
  };
}
