import type { MetricsFormat } from '../../wire/metrics-format.ts';
import { exemplarsOf, SLOT, SLOTS, type Exemplar } from './exemplars.ts';
import { addUp, Exposition, type Labels, type Measured } from './exposition.ts';
import {
  DURATION_BUCKETS_S,
  FIRST_TOKEN_BUCKETS_S,
  GAUGE,
  gaugesOf,
  seriesOf,
  WORD,
  type SeriesLabels,
} from './series.ts';

/** Facts that the control plane adds to the page. */
export interface PageFacts {
  readonly version: string;
  readonly certificateExpiryMs: () => number | undefined;
  /** Workers that are ready. */
  readonly workers: () => number;
  readonly droppedLines: () => number;
  /** Bans that have begun since the start, by reason, those in force, and how often there was no room to remember an address. */
  readonly bans: () => {
    readonly begun: Readonly<Record<string, number>>;
    readonly inForce: number;
    readonly lost: number;
  };
  /** Budgets that came to four fifths since the start, by the name of their limit. */
  readonly budgets: () => ReadonlyMap<string, number>;
  readonly upstreams: () => readonly UpstreamFacts[];
  /** Records that were lost since the start, and whether none can be written now. */
  readonly records: () => { readonly isFailing: boolean; readonly lost: number };
  /** What was sent to each destination of the configuration since the start, by what became of it. */
  readonly exports: () => ReadonlyMap<string, Readonly<Record<string, number>>>;
  /** Records of the audit log that each destination still has to get. */
  readonly shipLags: () => ReadonlyMap<string, number>;
  /** Findings of each rule since the start, credentials that are held, and those that were not for the bound or an exemption. */
  /** Holds and releases that other instances cannot know of yet. */
  readonly untoldHolds: () => number;
  readonly anomalies: () => {
    readonly found: ReadonlyMap<string, number>;
    readonly held: number;
    readonly notHeld: number;
  };
}

/** An upstream on the page. */
export interface UpstreamFacts {
  readonly name: string;
  readonly isUp: boolean;
  readonly outstanding: number;
  /** Requests that wait here for a place. */
  readonly waiting: number;
  /** Most requests at once; undefined for no limit. */
  readonly limit: number | undefined;
  /** What the engine says of itself; undefined where it has not. */
  readonly engine: { readonly running: number; readonly waiting: number } | undefined;
}

/** The metrics page over all threads. */
export interface MetricsPage {
  /** Names a series of a thread. */
  name(row: number, index: number, labels: SeriesLabels): void;
  /** Takes over the counts of a thread that has ended and empties its row, so that no counter ever goes back. */
  takeOver(row: number): void;
  /** In the text format of Prometheus unless told. */
  text(format?: MetricsFormat): string;
}

/** @param rows threads that have a row in the memory */
export function createMetricsPage(memory: SharedArrayBuffer, rows: number, facts: PageFacts): MetricsPage {
  const named = Array.from({ length: rows }, () => new Map<number, SeriesLabels>());
  const ended = new Map<string, Series>();
  let endedFailures = 0;
  const idOf = (labels: SeriesLabels) => `${labels.route}\0${labels.model}\0${labels.status}\0${labels.code}`;

  function sumUp(format: MetricsFormat): Series[] {
    const sums = new Map([...ended].map(([id, { words, ...rest }]) => [id, { ...rest, words: words.slice() }]));
    for (const [row, series] of named.entries()) {
      for (const [index, labels] of series) {
        const words = seriesOf(memory, row, index);
        addTo(sums, { labels, words, exemplars: format === 'text' ? NO_EXEMPLARS : exemplarsIn(memory, row, index) });
      }
    }
    return [...sums.values()].filter(({ words }) => (words[WORD.count] ?? 0) > 0);
  }

  function addTo(sums: Map<string, Series>, series: Series): void {
    const id = idOf(series.labels);
    const sum = sums.get(id);
    if (sum === undefined) return void sums.set(id, { ...series, words: series.words.slice() });
    sums.set(id, { labels: sum.labels, ...addUp(sum, series) });
  }

  const gauge = (at: number) => {
    let sum = 0;
    for (let row = 0; row < rows; row++) sum += gaugesOf(memory, row)[at] ?? 0;
    return sum;
  };

  return {
    name: (row, index, labels) => void named[row]?.set(index, labels),
    takeOver(row) {
      for (const [index, labels] of named[row] ?? []) {
        const words = seriesOf(memory, row, index);
        addTo(ended, { labels, words, exemplars: NO_EXEMPLARS });
        words.fill(0);
        exemplarsOf(memory, row, index).clear();
      }
      named[row]?.clear();
      endedFailures += gaugesOf(memory, row)[GAUGE.counterFailures] ?? 0;
      gaugesOf(memory, row).fill(0);
    },
    text(format = 'text') {
      const series = sumUp(format);
      const page = new Exposition(format);
      page.family('sallyport_build_info', 'gauge', 'Version of the gateway.');
      page.sample('sallyport_build_info', { version: facts.version }, 1);
      page.family('sallyport_requests_total', 'counter', 'Requests that have ended.');
      for (const { labels, words } of series)
        page.sample('sallyport_requests_total', textLabels(labels), words[WORD.count] ?? 0);
      page.family('sallyport_tokens_total', 'counter', 'Tokens that upstream counted.');
      for (const [key, { words }] of byLabels(series, ({ route, model }) => ({ route, model }))) {
        page.sample('sallyport_tokens_total', { ...key, kind: 'prompt' }, words[WORD.promptTokens] ?? 0);
        page.sample('sallyport_tokens_total', { ...key, kind: 'completion' }, words[WORD.completionTokens] ?? 0);
      }
      const durations = byLabels(series, ({ route }) => ({ route }));
      page.family(
        'sallyport_request_duration_seconds',
        'histogram',
        'From the head of a request to the end of its answer.',
      );
      for (const [key, measured] of durations) {
        page.histogram('sallyport_request_duration_seconds', key, DURATION_BUCKETS_S, measured, {
          buckets: WORD.durationBuckets,
          sum: WORD.durationSum,
          count: WORD.count,
          exemplars: SLOT.duration,
        });
      }
      page.family(
        'sallyport_time_to_first_token_seconds',
        'histogram',
        'From asking upstream to the first byte of its answer.',
      );
      for (const [key, measured] of byLabels(series, ({ route, model }) => ({ route, model }))) {
        if ((measured.words[WORD.firstTokenCount] ?? 0) === 0) continue;
        page.histogram('sallyport_time_to_first_token_seconds', key, FIRST_TOKEN_BUCKETS_S, measured, {
          buckets: WORD.firstTokenBuckets,
          sum: WORD.firstTokenSum,
          count: WORD.firstTokenCount,
          exemplars: SLOT.firstToken,
        });
      }
      page.family('sallyport_open_streams', 'gauge', 'Requests that upstream is answering now.');
      page.sample('sallyport_open_streams', {}, gauge(GAUGE.openStreams));
      page.family('sallyport_connections', 'gauge', 'Open connections on the public listener.');
      page.sample('sallyport_connections', {}, gauge(GAUGE.connections));
      page.family('sallyport_workers', 'gauge', 'Workers that are ready.');
      page.sample('sallyport_workers', {}, facts.workers());
      page.family(
        'sallyport_counters_up',
        'gauge',
        'Whether all workers count where the configuration keeps the counters.',
      );
      page.sample('sallyport_counters_up', {}, gauge(GAUGE.countersDown) === 0 ? 1 : 0);
      page.family(
        'sallyport_counters_failures_total',
        'counter',
        'Requests that were decided, or refused, without the server of the counters.',
      );
      page.sample('sallyport_counters_failures_total', {}, endedFailures + gauge(GAUGE.counterFailures));
      page.family(
        'sallyport_log_lines_dropped_total',
        'counter',
        'Log lines lost because the log was not read fast enough.',
      );
      page.sample('sallyport_log_lines_dropped_total', {}, gauge(GAUGE.droppedLines) + facts.droppedLines());
      page.family('sallyport_upstream_up', 'gauge', 'Whether an upstream is believed to answer.');
      for (const { name, isUp } of facts.upstreams())
        page.sample('sallyport_upstream_up', { upstream: name }, isUp ? 1 : 0);
      page.family('sallyport_upstream_outstanding', 'gauge', 'Requests that an upstream has not ended.');
      for (const { name, outstanding } of facts.upstreams()) {
        page.sample('sallyport_upstream_outstanding', { upstream: name }, outstanding);
      }
      page.family(
        'sallyport_budget_warnings_total',
        'counter',
        'Budgets of which four fifths were used, once in each window.',
      );
      // There from the start, so that the first one is seen as an increase.
      if (!facts.budgets().has('budget')) page.sample('sallyport_budget_warnings_total', { limit: 'budget' }, 0);
      for (const [limit, count] of facts.budgets()) page.sample('sallyport_budget_warnings_total', { limit }, count);
      const { begun, inForce, lost } = facts.bans();
      page.family('sallyport_bans_total', 'counter', 'Bans of addresses that have begun.');
      for (const [reason, count] of Object.entries(begun)) page.sample('sallyport_bans_total', { reason }, count);
      page.family('sallyport_banned_addresses', 'gauge', 'Addresses that are banned now.');
      page.sample('sallyport_banned_addresses', {}, inForce);
      page.family('sallyport_ban_memory_full_total', 'counter', 'Offences that found no room to be remembered.');
      page.sample('sallyport_ban_memory_full_total', {}, lost);
      const { isFailing, lost: lostRecords } = facts.records();
      page.family('sallyport_audit_log_failing', 'gauge', 'Whether the audit log cannot be written now.');
      page.sample('sallyport_audit_log_failing', {}, isFailing ? 1 : 0);
      page.family(
        'sallyport_audit_records_lost_total',
        'counter',
        'Records that were given up; the log says so by itself.',
      );
      page.sample('sallyport_audit_records_lost_total', {}, lostRecords);
      page.family('sallyport_exports_total', 'counter', 'Spans, records and messages for a destination, by result.');
      for (const [destination, counts] of facts.exports()) {
        for (const [result, count] of Object.entries(counts))
          page.sample('sallyport_exports_total', { destination, result }, count);
      }
      page.family(
        'sallyport_audit_ship_lag_records',
        'gauge',
        'Signed records of the audit log that a destination still has to get.',
      );
      for (const [destination, count] of facts.shipLags())
        page.sample('sallyport_audit_ship_lag_records', { destination }, count);
      const { found, held, notHeld } = facts.anomalies();
      page.family('sallyport_anomalies_total', 'counter', 'Findings of unusual use.');
      for (const [rule, count] of found) page.sample('sallyport_anomalies_total', { rule }, count);
      page.family('sallyport_quarantined_credentials', 'gauge', 'Credentials that are held.');
      page.sample('sallyport_quarantined_credentials', {}, held);
      page.family(
        'sallyport_quarantine_refused_total',
        'counter',
        'Credentials that were not held, for the bound or an exemption.',
      );
      page.sample('sallyport_quarantine_refused_total', {}, notHeld);
      // One that has no others to share with lacks nothing.
      page.family('sallyport_quarantine_shared', 'gauge', 'Whether instances tell each other what they hold.');
      page.sample('sallyport_quarantine_shared', {}, gauge(GAUGE.quarantineUnshared) === 0 ? 1 : 0);
      page.family(
        'sallyport_quarantine_untold',
        'gauge',
        'Holds and releases of this instance that the others cannot know of yet.',
      );
      page.sample('sallyport_quarantine_untold', {}, facts.untoldHolds());
      page.family('sallyport_upstream_waiting', 'gauge', 'Requests that wait here for a place at an upstream.');
      for (const { name, waiting } of facts.upstreams()) {
        page.sample('sallyport_upstream_waiting', { upstream: name }, waiting);
      }
      page.family('sallyport_upstream_limit', 'gauge', 'Most requests at once, where there is a limit.');
      for (const { name, limit } of facts.upstreams()) {
        if (limit !== undefined) page.sample('sallyport_upstream_limit', { upstream: name }, limit);
      }
      page.family('sallyport_upstream_engine_requests', 'gauge', 'Requests in the engine, as it last said.');
      for (const { name, engine } of facts.upstreams()) {
        if (engine === undefined) continue;
        page.sample('sallyport_upstream_engine_requests', { upstream: name, state: 'running' }, engine.running);
        page.sample('sallyport_upstream_engine_requests', { upstream: name, state: 'waiting' }, engine.waiting);
      }
      const expiryMs = facts.certificateExpiryMs();
      if (expiryMs !== undefined) {
        page.family('sallyport_certificate_expiry_timestamp_seconds', 'gauge', 'When the served certificate ends.');
        page.sample('sallyport_certificate_expiry_timestamp_seconds', {}, expiryMs / 1000);
      }
      return page.end();
    },
  };
}

const textLabels = ({ route, model, status, code }: SeriesLabels): Labels => ({
  route,
  model,
  status: String(status),
  code,
});

/** Sums series that agree in some labels. */
function byLabels(series: readonly Series[], keyOf: (labels: SeriesLabels) => Labels): [Labels, Measured][] {
  const sums = new Map<string, [Labels, Measured]>();
  for (const { labels, words, exemplars } of series) {
    const key = keyOf(labels);
    const id = JSON.stringify(key);
    const sum = sums.get(id);
    if (sum === undefined) sums.set(id, [key, { words: words.slice(), exemplars }]);
    else sum[1] = addUp(sum[1], { words, exemplars });
  }
  return [...sums.values()];
}

interface Series extends Measured {
  readonly labels: SeriesLabels;
}

const NO_EXEMPLARS: readonly undefined[] = [];

function exemplarsIn(memory: SharedArrayBuffer, row: number, index: number): readonly (Exemplar | undefined)[] {
  const cells = exemplarsOf(memory, row, index);
  return Array.from({ length: SLOTS }, (_, slot) => cells.read(slot));
}
