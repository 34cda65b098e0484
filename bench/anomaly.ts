/**
 * What the detector of anomalies finds in a simulated house, and how often it cries wolf: 200 keys for 30 days, with 40
 * incidents of 8 kinds and the surprises of an ordinary month.
 *
 *     node bin/node26.mjs bench/anomaly.ts [--seeds 201,202,203] [--days 30] [--keys 200] [--each 5] [--list]
 *
 * Seeds below 200 were used to choose the bounds of the rules; figures are told of others only.
 */
import { parseArgs } from 'node:util';
import { KINDS } from './anomaly/incidents.ts';
import { simulate, type Judged, type SimulationResult } from './anomaly/simulate.ts';
import { markdown, median } from './table.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '201' },
    days: { type: 'string', default: '30' },
    keys: { type: 'string', default: '200' },
    each: { type: 'string', default: '5' },
    /** Every incident that was missed or found late, and every false alarm. */
    list: { type: 'boolean', default: false },
  },
});
const [days, keys, each] = [Number(values.days), Number(values.keys), Number(values.each)];
const IN_TIME_MS = 300_000;

const isInTime = ({ delayMs }: Judged): boolean => delayMs !== undefined && delayMs <= IN_TIME_MS;
const perWeek = (result: SimulationResult): number => result.falseAlarms.length / (keys / 100) / (days / 7);

const results = values.seeds.split(',').map((text) => {
  const result = simulate({ seed: Number(text), days, keys, each });
  process.stderr.write(`seed ${text}: ${result.records} records, ${result.perRecordUs.toFixed(2)} µs each\n`);
  if (values.list) list(result);
  return { seed: text, result };
});

function row(name: string, judged: readonly Judged[]): string[] {
  const delays = judged.flatMap(({ delayMs }) => (delayMs === undefined ? [] : [delayMs / 1_000]));
  const inTime = judged.filter(isInTime).length;
  return [
    name,
    String(judged.length),
    String(delays.length),
    String(inTime),
    `${((100 * inTime) / judged.length).toFixed(0)} %`,
    delays.length === 0 ? '–' : `${median(delays).toFixed(0)} s`,
  ];
}

const all = results.flatMap(({ result }) => result.judged);
const head = ['incident', 'injected', 'found', 'within 5 minutes', '', 'median delay'];
const rows = KINDS.map((kind) =>
  row(
    kind,
    all.filter(({ incident }) => incident.kind === kind),
  ),
);
process.stdout.write(`${markdown(head, [...rows, row('all', all)])}\n\n`);

const bySeed = results.map(({ seed, result }) => [
  seed,
  String(result.records),
  `${result.judged.filter(isInTime).length} of ${result.judged.length}`,
  String(result.falseAlarms.length),
  perWeek(result).toFixed(2),
]);
const seedHead = ['seed', 'records', 'within 5 minutes', 'false alarms', 'per 100 keys a week'];
process.stdout.write(`${markdown(seedHead, bySeed)}\n\n`);

const byRule = new Map<string, number>();
for (const { record } of results.flatMap(({ result }) => result.falseAlarms)) {
  byRule.set(record.rule, (byRule.get(record.rule) ?? 0) + 1);
}
const ruleRows = [...byRule].sort((a, b) => b[1] - a[1]).map(([rule, count]) => [rule, String(count)]);
process.stdout.write(`${markdown(['false alarms by rule', ''], ruleRows)}\n`);

function list({ judged, falseAlarms }: SimulationResult): void {
  for (const one of judged) {
    if (isInTime(one)) continue;
    const { incident, delayMs, first } = one;
    const when = delayMs === undefined ? 'missed' : `after ${Math.round(delayMs / 1_000)} s by ${first?.record.rule}`;
    process.stderr.write(
      `${when}: ${incident.kind} ${incident.perMinute.toFixed(1)}/min ${[...incident.subjects][0]}\n`,
    );
  }
  for (const { record, wish } of falseAlarms) {
    process.stderr.write(
      `false ${wish}: ${new Date(record.timeMs).toISOString()} ${record.rule} ${record.subject} ${record.score} ${record.why}\n`,
    );
  }
}
