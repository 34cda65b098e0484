import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newUsage } from '../../kernel/exchange.ts';
import { exchange, fakeDownstream } from '../../../test/support/exchange.ts';
import type { Outcome } from '../../kernel/stage.ts';
import { createMetricsObserver } from './observer.ts';
import { createMetricsPage } from './page.ts';
import { createMetricsMemory, GAUGE, gaugesOf, MAX_SERIES } from './series.ts';

const OUTCOME: Outcome = {
  kind: 'answer',
  status: 200,
  code: undefined,
  durationMs: 30,
  firstByteMs: 20,
  upstream: 'main',
  mayHaveWorked: true,
};

function setUp(rows: number) {
  const memory = createMetricsMemory(rows);
  const page = createMetricsPage(memory, rows, {
    version: '1.2.3',
    certificateExpiryMs: () => 5_000,
    workers: () => rows,
    droppedLines: () => 1,
    bans: () => ({ begun: { scan: 3 }, inForce: 2, lost: 1 }),
    budgets: () => new Map([['budget', 3]]),
    records: () => ({ isFailing: true, lost: 4 }),
    exports: () => new Map([['siem', { sent: 5, failed: 1, dropped: 0 }]]),
    shipLags: () => new Map([['siem', 12]]),
    untoldHolds: () => 3,
    anomalies: () => ({ found: new Map([['stolen-key', 2]]), held: 1, notHeld: 6 }),
    upstreams: () => [
      {
        name: 'main',
        isUp: true,
        outstanding: 2,
        waiting: 5,
        limit: 8,
        engine: { running: 7, waiting: 1 },
      },
    ],
  });
  const start = (row: number) => createMetricsObserver(memory, row, (index, labels) => page.name(row, index, labels));
  return { memory, page, start };
}
const asked = (model: string) =>
  exchange(fakeDownstream(), { model, usage: { ...newUsage(), promptTokens: 5, completionTokens: 7 } });

test('the page sums up what all threads have counted', () => {
  const { page, start } = setUp(2);
  for (const row of [0, 1]) start(row)(asked('tiny'), OUTCOME);
  const text = page.text();
  assert.match(text, /^sallyport_requests_total\{route="chat-completions",model="tiny",status="200",code=""\} 2$/m);
  assert.match(text, /^sallyport_tokens_total\{route="chat-completions",model="tiny",kind="prompt"\} 10$/m);
  assert.match(text, /^sallyport_budget_warnings_total\{limit="budget"\} 3$/m);
  assert.match(text, /^sallyport_tokens_total\{route="chat-completions",model="tiny",kind="completion"\} 14$/m);
  assert.match(text, /_duration_seconds_bucket\{route="chat-completions",le="0.025"\} 0\n.*le="0.05"\} 2$/m);
  assert.match(text, /_duration_seconds_sum\{route="chat-completions"\} 0.06$/m);
  assert.match(text, /_first_token_seconds_count\{route="chat-completions",model="tiny"\} 2$/m);
  assert.match(text, /^sallyport_certificate_expiry_timestamp_seconds 5$/m);
  assert.match(text, /^sallyport_audit_ship_lag_records\{destination="siem"\} 12$/m);
  assert.match(text, /^sallyport_exports_total\{destination="siem",result="failed"\} 1$/m);
  assert.match(text, /^sallyport_upstream_outstanding\{upstream="main"\} 2$/m);
  assert.match(text, /^sallyport_upstream_waiting\{upstream="main"\} 5$/m);
  assert.match(text, /^sallyport_upstream_limit\{upstream="main"\} 8$/m);
  assert.match(text, /^sallyport_upstream_engine_requests\{upstream="main",state="waiting"\} 1$/m);
});

test('a thread that ends takes nothing away: no counter ever goes back', () => {
  const { memory, page, start } = setUp(1);
  start(0)(asked('tiny'), OUTCOME);
  gaugesOf(memory, 0)[GAUGE.openStreams] = 3;
  page.takeOver(0);
  assert.match(page.text(), /requests_total\{[^}]*\} 1$/m);
  assert.match(page.text(), /^sallyport_open_streams 0$/m);
  start(0)(asked('tiny'), OUTCOME);
  assert.match(page.text(), /requests_total\{[^}]*\} 2$/m);
});

test('callers cannot grow the page without end: what is too much is counted under other', () => {
  const { page, start } = setUp(1);
  const observe = start(0);
  for (let i = 0; i < MAX_SERIES * 2; i++) observe(asked(`model-${i}`), OUTCOME);
  const lines = page
    .text()
    .split('\n')
    .filter((line) => line.startsWith('sallyport_requests_total{'));
  assert.equal(lines.length, MAX_SERIES);
  assert.match(lines.find((line) => line.includes('"other"')) ?? '', new RegExp(` ${MAX_SERIES + 1}$`));
});

test('a model of more than 128 characters is counted under other', () => {
  const { page, start } = setUp(1);
  const observe = start(0);
  for (const length of [128, 129, 10_000]) observe(asked('m'.repeat(length)), OUTCOME);
  const text = page.text();
  assert.match(text, /requests_total\{route="chat-completions",model="m{128}",status="200",code=""\} 1$/m);
  assert.match(text, /requests_total\{route="chat-completions",model="other",status="200",code=""\} 2$/m);
  assert.doesNotMatch(text, /m{129}/);
});

test('label values are escaped', () => {
  const { page, start } = setUp(1);
  start(0)(asked('a"b\\c\nd'), OUTCOME);
  assert.match(page.text(), /model="a\\"b\\\\c\\nd"/);
});

test('a model that no upstream has answered to is no label: names may be any', () => {
  const { page, start } = setUp(1);
  const observe = start(0);
  for (let i = 0; i < 1_100; i++) observe(asked(`made-up-${i}`), { ...OUTCOME, kind: 'fault', mayHaveWorked: false });
  observe(asked('tiny'), OUTCOME);
  assert.doesNotMatch(page.text(), /made-up/);
  assert.match(page.text(), /requests_total\{route="chat-completions",model="tiny",status="200",code=""\} 1$/m);
});

const TRACED = { traceId: '0af7651916cd43dd8448eb211c80319c', timeMs: 1_500 };

test('in OpenMetrics a bucket names the newest trace that it stands for, and counters go without their ending', () => {
  const { page, start } = setUp(2);
  const observe = start(0);
  observe(asked('tiny'), OUTCOME, TRACED);
  start(1)(asked('other'), OUTCOME, { traceId: 'f'.repeat(32), timeMs: 1_000 });
  observe(asked('slow'), { ...OUTCOME, durationMs: 400_000, firstByteMs: 70_000 }, { ...TRACED, timeMs: 2_000 });
  const text = page.text('openmetrics');
  const link = '# {trace_id="0af7651916cd43dd8448eb211c80319c"}';
  assert.ok(text.includes(`duration_seconds_bucket{route="chat-completions",le="0.05"} 2 ${link} 0.03 1.5\n`), text);
  assert.ok(text.includes(`duration_seconds_bucket{route="chat-completions",le="+Inf"} 3 ${link} 400 2\n`));
  assert.ok(text.includes(`model="slow",le="+Inf"} 1 ${link} 70 2\n`));
  assert.match(text, /^# TYPE sallyport_requests counter$/m);
  assert.match(text, /^sallyport_requests_total\{/m);
  assert.match(text, /le="1\.0"\}/);
  assert.ok(text.endsWith('\n# EOF\n'));
});

test('the text format has neither exemplars nor an end', () => {
  const { page, start } = setUp(1);
  start(0)(asked('tiny'), OUTCOME, TRACED);
  assert.doesNotMatch(page.text(), /trace_id|# EOF|le="1\.0"/);
});

test('a request whose trace is not kept is counted, and linked nowhere', () => {
  const { page, start } = setUp(1);
  start(0)(asked('tiny'), OUTCOME);
  assert.doesNotMatch(page.text('openmetrics'), /trace_id/);
});

test('the exemplars of a thread go with it', () => {
  const { page, start } = setUp(1);
  start(0)(asked('tiny'), OUTCOME, TRACED);
  page.takeOver(0);
  assert.doesNotMatch(page.text('openmetrics'), /trace_id/);
  assert.match(page.text('openmetrics'), /requests_total\{[^}]*\} 1$/m);
});
