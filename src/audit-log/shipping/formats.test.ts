import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { elasticFormat } from './elastic.ts';
import { otlpFormat } from './otlp.ts';
import { parcelOf, type Answer, type HttpFormat, type Verdict } from './parcel.ts';
import { splunkFormat } from './splunk.ts';
import { syslogFrames, syslogMessage } from './syslog.ts';

const SENDER = { origin: 'sallyport/0123456789abcdef', host: 'gw-1.example.org', version: '1.2.3' };
const TIME = 1_767_225_600_123;
const lineOf = (sequence: number, more: object = {}): string =>
  JSON.stringify({ metadata: { sequence, version: '1.8.0' }, time: TIME, class_uid: 6003, severity_id: 1, ...more });
const parcels = [7, 8].map((n) => parcelOf(lineOf(n), n, 8_192));
const answer = (status: number, body: unknown = {}, afterMs?: number): Answer => ({
  ...{ status, afterMs },
  body: typeof body === 'string' ? body : JSON.stringify(body),
});

test('a message of syslog has the parts of RFC 5424, with the place of the record', () => {
  const [parcel] = parcels;
  assert.ok(parcel);
  assert.equal(
    syslogMessage(parcel, SENDER),
    `<110>1 2026-01-01T00:00:00.123Z gw-1.example.org sallyport - request [sallyport@32473 log="sallyport/0123456789abcdef" sequence="7"] ${lineOf(7)}`,
  );
});

for (const [severity, priority] of [
  [1, 110],
  [2, 109],
  [3, 108],
  [4, 107],
  [5, 106],
  [99, 110],
] as const)
  test(`severity ${severity} of OCSF has priority ${priority} as an entry of a log audit`, () => {
    const parcel = parcelOf(lineOf(1, { severity_id: severity }), 1, 8_192);
    assert.match(syslogMessage(parcel, SENDER), new RegExp(`^<${priority}>1 `));
  });

test('whatever stands in records and names of machines, a receiver that counts finds each message, of one line', () => {
  const text = fc.string({ unit: 'binary', maxLength: 200 });
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 5 }), text, (texts, host) => {
      const sent = texts.map((one, i) => parcelOf(lineOf(i, { x: one }), i, 8_192));
      let rest = syslogFrames(sent, { ...SENDER, host });
      for (const { line } of sent) {
        const space = rest.indexOf(' ');
        const length = Number(rest.toString('latin1', 0, space));
        const message = rest.toString('utf8', space + 1, space + 1 + length);
        assert.ok(!/[\p{Cc}\u2028\u2029]/u.test(message));
        assert.match(message, /^<\d+>1 \S+ [\x21-\x7e]{1,255} sallyport - request \[/);
        assert.ok(message.endsWith(line));
        rest = rest.subarray(space + 1 + length);
      }
      assert.equal(rest.length, 0);
      sent.forEach(({ line }, i) => assert.deepEqual(JSON.parse(line), JSON.parse(lineOf(i, { x: texts[i] }))));
    }),
  );
});

test('a line at the bound is sent, and one above it is replaced by a note of its place', () => {
  const line = lineOf(3);
  const bytes = Buffer.byteLength(line);
  assert.equal(parcelOf(line, 3, bytes).line, line);
  const { line: note, timeMs } = parcelOf(line, 3, bytes - 1);
  const expected = {
    metadata: { sequence: 3 },
    time: TIME,
    unmapped: { audit_log: { event: 'not-sent', why: 'too-large', bytes } },
  };
  assert.deepEqual(JSON.parse(note), expected);
  assert.equal(timeMs, TIME);
});

for (const damaged of ['{"metadata":{"sequence":3', '[]', 'null', '', '{"a":1}\r', '{\t"a":1}', '{} {"create":{}}'])
  test(`a damaged line ${JSON.stringify(damaged)} is replaced by a note, so that no format is broken by it`, () => {
    const { line } = parcelOf(damaged, 3, 8_192);
    assert.match(line, /^\{"metadata":\{"sequence":3\},"time":0,.*"unreadable"/);
  });

test('damaged times have some time all the same', () => {
  for (const time of [-1, 1e300, 'x', null, 0.5]) {
    const parcel = parcelOf(lineOf(1, { time }), 1, 8_192);
    assert.match(syslogMessage(parcel, SENDER), / 1970-01-01T00:00:00.\d{3}Z /);
    assert.doesNotThrow(() => JSON.parse(otlpFormat.bodyOf([parcel], SENDER)));
  }
});

test('events of Splunk are one JSON object after another, each with the record and its place', () => {
  const events = splunkFormat
    .bodyOf(parcels, SENDER)
    .split('\n')
    .map((one) => JSON.parse(one) as unknown);
  assert.deepEqual(events[0], {
    ...{ time: TIME / 1000, host: SENDER.host, source: 'sallyport', sourcetype: '_json' },
    fields: { log: SENDER.origin, sequence: '7' },
    event: JSON.parse(lineOf(7)) as unknown,
  });
  assert.equal(events.length, 2);
});

test('documents of Elastic are created under an id of log and place, with their time', () => {
  const lines = elasticFormat.bodyOf(parcels, SENDER).split('\n');
  assert.equal(lines.length, 5);
  assert.equal(lines[0], '{"create":{"_id":"0123456789abcdef-7"}}');
  assert.deepEqual(JSON.parse(lines[1] ?? ''), {
    '@timestamp': '2026-01-01T00:00:00.123Z',
    ...(JSON.parse(lineOf(7)) as object),
  });
  assert.equal(lines[4], '');
});

test('logs of OTLP have the record as text, its place as a number in text, and the log among the resource', () => {
  const body = JSON.parse(otlpFormat.bodyOf(parcels, SENDER)) as {
    resourceLogs: { resource: { attributes: unknown[] }; scopeLogs: { logRecords: unknown[] }[] }[];
  };
  const [resource] = body.resourceLogs;
  assert.deepEqual(resource?.scopeLogs[0]?.logRecords[1], {
    timeUnixNano: '1767225600123000000',
    observedTimeUnixNano: '1767225600123000000',
    severityNumber: 9,
    severityText: 'INFO',
    body: { stringValue: lineOf(8) },
    attributes: [
      { key: 'sallyport.audit_log.sequence', value: { intValue: '8' } },
      { key: 'sallyport.audit_log.kind', value: { stringValue: 'request' } },
    ],
  });
  const origin = { key: 'sallyport.audit_log.origin', value: { stringValue: SENDER.origin } };
  assert.deepEqual(resource.resource.attributes.at(-1), origin);
});

const items = (...statuses: number[]) => ({
  errors: statuses.some((status) => status > 299),
  items: statuses.map((status) => ({ create: { status, ...(status > 299 ? { error: { type: `e${status}` } } : {}) } })),
});
const taken = (dropped = 0, why?: string): Verdict => ({
  kind: 'taken',
  dropped,
  ...(why === undefined ? {} : { why }),
});

for (const [name, format, answered, verdict] of [
  ['Splunk: success', splunkFormat, answer(200, { text: 'Success', code: 0 }), taken()],
  ['Splunk: 200 of a proxy', splunkFormat, answer(200, 'welcome'), { kind: 'again', why: 'it answered 200' }],
  ['Splunk: a damaged event', splunkFormat, answer(400, { text: 'Invalid data format', code: 6 }), 'refused'],
  ['Splunk: a wrong index', splunkFormat, answer(400, { text: 'Incorrect index', code: 7 }), 'again'],
  ['Splunk: a wrong token', splunkFormat, answer(403, { text: 'Invalid token', code: 4 }), 'again'],
  [
    'Splunk: a busy server',
    splunkFormat,
    answer(503, { code: 9 }, 7_000),
    { kind: 'again', why: 'it answered 503', afterMs: 7_000 },
  ],
  ['Splunk: too large', splunkFormat, answer(413), 'refused'],
  ['Elastic: all created', elasticFormat, answer(200, items(201, 201)), taken()],
  ['Elastic: one is there already', elasticFormat, answer(200, items(409, 201)), taken()],
  ['Elastic: one does not fit', elasticFormat, answer(200, items(201, 400)), taken(1, 'e400')],
  [
    'Elastic: one is too much now',
    elasticFormat,
    answer(200, items(201, 429)),
    { kind: 'again', why: 'it answered 429 for a record: e429' },
  ],
  ['Elastic: one does not fit, one is too much', elasticFormat, answer(200, items(400, 429)), 'again'],
  ['Elastic: no right to the index', elasticFormat, answer(200, items(403, 403)), 'again'],
  ['Elastic: no index', elasticFormat, answer(200, items(404, 404)), 'again'],
  ['Elastic: one record fewer', elasticFormat, answer(200, items(201)), 'again'],
  ['Elastic: one record more', elasticFormat, answer(200, items(201, 201, 201)), 'again'],
  ['Elastic: an item without status', elasticFormat, answer(200, { items: [{}, {}] }), 'again'],
  ['Elastic: no JSON', elasticFormat, answer(200, '<html>'), 'again'],
  [
    'Elastic: a wrong key',
    elasticFormat,
    answer(401, { error: { type: 'security_exception' } }),
    { kind: 'again', why: 'it answered 401: security_exception' },
  ],
  ['Elastic: too large', elasticFormat, answer(413), 'refused'],
  ['Elastic: a redirect', elasticFormat, answer(302), 'again'],
  ['OTLP: taken', otlpFormat, answer(200), taken()],
  [
    'OTLP: a part',
    otlpFormat,
    answer(200, { partialSuccess: { rejectedLogRecords: '1', errorMessage: 'too\nold' } }),
    taken(1, 'too old'),
  ],
  ['OTLP: a warning', otlpFormat, answer(200, { partialSuccess: { errorMessage: 'x' } }), taken()],
  ['OTLP: bad data', otlpFormat, answer(400), 'refused'],
  ['OTLP: busy', otlpFormat, answer(503, '', 1_000), { kind: 'again', why: 'it answered 503', afterMs: 1_000 }],
  ['OTLP: a wrong path', otlpFormat, answer(404), 'again'],
] as const satisfies readonly (readonly [string, HttpFormat, Answer, Verdict | string])[])
  test(`${name} is ${typeof verdict === 'string' ? verdict : verdict.kind}`, () => {
    const given = format.verdictOf(answered, parcels);
    if (typeof verdict === 'string') assert.equal(given.kind, verdict);
    else assert.deepEqual(given, verdict);
  });

test('whatever is answered, it is no exception, and never taken unless it says so', () => {
  fc.assert(
    fc.property(fc.constantFrom(splunkFormat, elasticFormat), fc.json(), (format, body) => {
      const verdict = format.verdictOf({ status: 200, body, afterMs: undefined }, parcels);
      if (verdict.kind === 'taken') assert.match(body, /"(?:code|status)"/);
    }),
  );
});

test('characters that a receiver may take for the end of a line are escaped, and mean the same', () => {
  const text = 'a\u007fb\u0085c\u2028d\u2029e';
  const { line } = parcelOf(lineOf(1, { x: text }), 1, 8_192);
  assert.doesNotMatch(line, /[\p{Cc}\u2028\u2029]/u);
  assert.deepEqual(JSON.parse(line), JSON.parse(lineOf(1, { x: text })));
});
