import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { isOwn, lineOf, sequenceIn } from './line.ts';
import { ownLine, readOwn, timeOf, type OwnRecord } from './own-record.ts';
import { leafHash } from './tree.ts';

const LOG = 'sallyport/0123456789abcdef';
const bytes = (text: string): Buffer => Buffer.from(text);

suite('lines', () => {
  test('a record gets its number in front, and keeps every other byte', () => {
    fc.assert(
      fc.property(fc.json(), fc.maxSafeNat(), (value, sequence) => {
        const text = JSON.stringify({ metadata: { version: '1.8.0' }, value });
        const line = lineOf(text, sequence);
        assert.deepEqual(JSON.parse(line), { metadata: { sequence, version: '1.8.0' }, value });
        assert.equal(line.replace(`"sequence":${sequence},`, ''), text);
        assert.equal(sequenceIn(bytes(line)), sequence);
        assert.equal(isOwn(bytes(line)), false);
      }),
    );
  });

  for (const { name, text } of [
    { name: 'without metadata', text: '{"time":1}' },
    { name: 'whose metadata is not first', text: '{"time":1,"metadata":{"version":"1"}}' },
    { name: 'whose metadata is empty', text: '{"metadata":{}}' },
    { name: 'of two lines', text: '{"metadata":{"version":"1"},\n"time":1}' },
    { name: 'without its end', text: '{"metadata":{"version":"1"},"time":1' },
    { name: 'that calls itself the log’s own', text: '{"metadata":{"event_code":"audit-log.close"}}' },
  ]) {
    test(`refuses a text ${name}`, () => assert.throws(() => lineOf(text, 1), RangeError));
  }

  test('refuses a record that is longer than a line may be, in bytes', () => {
    const most = 16 * 1024 * 1024 - 1024;
    const text = (letters: number, bytes: number): string =>
      `{"metadata":{"a":"${'é'.repeat(letters)}${'x'.repeat(bytes)}"}}`;
    const frame = text(0, 0).length;
    const letters = 3_000_000;
    assert.ok(lineOf(text(letters, most - frame - 2 * letters), 1));
    assert.throws(() => lineOf(text(letters, most - frame - 2 * letters + 1), 1), RangeError);
  });

  for (const [line, sequence] of [
    ['{"metadata":{"sequence":0,"a":1}}', 0],
    ['{"metadata":{"sequence":9007199254740991,"a":1}}', 9007199254740991],
    ['{"metadata":{"sequence":9007199254740993,"a":1}}', undefined],
    ['{"metadata":{"sequence":01,"a":1}}', undefined],
    ['{"metadata":{"sequence":,"a":1}}', undefined],
    ['{"metadata":{"sequence":-1,"a":1}}', undefined],
    ['{"metadata":{"sequence":1}}', undefined],
    ['{"metadata":{"sequence":1', undefined],
    ['{"metadata":{"sequenc', undefined],
    ['', undefined],
  ] as const) {
    test(`the number of ${line || 'nothing'} is ${sequence}`, () => assert.equal(sequenceIn(bytes(line)), sequence));
  }

  test('bytes of any kind are no record, and nothing throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (line) => {
        assert.equal(sequenceIn(line), undefined);
        assert.equal(isOwn(line), false);
        assert.equal(readOwn(line), undefined);
        assert.equal(timeOf(line), undefined);
      }),
    );
  });
});

suite('what the log records of itself', () => {
  const frontier = [leafHash(bytes('a')), leafHash(bytes('b'))];
  const records: readonly OwnRecord[] = [
    {
      ...{ event: 'open', log: LOG, why: 'begin', isAfterClose: false, cutBytes: 0, foundUnsigned: 0, unsignedMs: 0 },
      ...{ replaces: undefined, frontier: [] },
    },
    {
      event: 'open',
      log: LOG,
      why: 'start',
      isAfterClose: true,
      cutBytes: 17,
      foundUnsigned: 3,
      unsignedMs: 900,
      replaces: 'sallyport/x of 4 records',
      frontier,
    },
    { event: 'close', log: LOG },
    { event: 'gap', lost: 12, fromMs: 5, untilMs: 9, reason: 'ENOSPC' },
    { event: 'clock', fromMs: 9, toMs: 5 },
    { event: 'rotate-key', from: 'a+00000000+b', to: 'c+11111111+d' },
    { event: 'retain', deletedBefore: 99 },
  ];
  for (const record of records) {
    test(`${record.event}${record.event === 'open' ? ` (${record.why})` : ''} is read as it is written, as an OCSF event`, () => {
      const line = ownLine(record, 7, 1_700_000_000_000);
      assert.deepEqual(readOwn(bytes(line)), record);
      assert.deepEqual([sequenceIn(bytes(line)), timeOf(bytes(line))], [7, 1_700_000_000_000]);
      const event = JSON.parse(line);
      assert.equal(event.type_uid, event.class_uid * 100 + event.activity_id);
      assert.equal(event.metadata.event_code, `audit-log.${record.event}`);
    });
  }

  test('a line that says it is the log’s own and cannot be read is nothing', () => {
    for (const line of [
      '{"metadata":{"sequence":1,"event_code":"audit-log.close"',
      '{"metadata":{"sequence":1,"event_code":"audit-log.close"},"activity_name":"close"}',
      '{"metadata":{"sequence":1,"event_code":"audit-log.x"},"activity_name":"x","unmapped":{"audit_log":{}}}',
      '{"metadata":{"sequence":1,"event_code":"audit-log.open"},"activity_name":"open","unmapped":{"audit_log":{"frontier":["x"]}}}',
    ]) {
      assert.equal(readOwn(bytes(line)), undefined, line);
    }
  });
});
