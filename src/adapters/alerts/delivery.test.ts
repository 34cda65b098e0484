import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settableClock } from '../../../test/support/clock.ts';
import type { AlertMessage } from '../../alerts/alert.ts';
import type { Sent } from '../../alerts/channel.ts';
import { testMessage } from '../../alerts/message-text.ts';
import type { SendResult } from '../../kernel/export.ts';
import { createDelivery } from './delivery.ts';

const ok: Sent = { kind: 'sent', detail: 'ok' };
const failed = (more: object = {}): Sent => ({ kind: 'failed', detail: 'it answered 500', isFinal: false, ...more });
const turn = () => new Promise((resolve) => setImmediate(resolve));
const message = (count = 1): AlertMessage => ({ ...testMessage(0), kind: 'alerts', count });

/** @param answers one for each try; past them nothing is ever answered */
function setUp(answers: readonly Sent[]) {
  const clock = settableClock();
  const tries: { readonly id: string; readonly atMs: number; readonly signal: AbortSignal }[] = [];
  const counts: Record<SendResult, number> = { sent: 0, failed: 0, dropped: 0 };
  const said: string[] = [];
  let lastId = 0;
  const startMs = clock.nowMs();
  const channel = {
    send(_: AlertMessage, id: string, signal: AbortSignal): Promise<Sent> {
      const answer = answers[tries.length];
      tries.push({ id, atMs: clock.nowMs() - startMs, signal });
      return answer === undefined ? new Promise<Sent>(() => undefined) : Promise.resolve(answer);
    },
  };
  const delivery = createDelivery(channel, {
    clock,
    newId: () => `msg_${++lastId}`,
    count: (result, howMany) => void (counts[result] += howMany),
    onFailing: (why) => said.push(why),
    onWorking: () => said.push('working'),
  });
  const pass = async (ms: number): Promise<void> => {
    clock.advance(ms);
    for (let i = 0; i < 5; i++) await turn();
  };
  return { clock, tries, counts, said, delivery, pass };
}

test('a try that fails comes again with the same id after 1, 2 and 4 s, and that is said once', async () => {
  const { delivery, pass, tries, counts, said } = setUp([failed(), failed(), failed(), ok]);
  delivery.add(message(7));
  await pass(0);
  for (const ms of [999, 1, 1_999, 1, 3_999, 1]) await pass(ms);
  assert.deepEqual(
    tries.map(({ id, atMs }) => [id, atMs]),
    [0, 1_000, 3_000, 7_000].map((atMs) => ['msg_1', atMs]),
  );
  assert.deepEqual(counts, { sent: 7, failed: 3, dropped: 0 });
  assert.deepEqual(said, ['it answered 500', 'working']);
});

test('who asks to be left alone is', async () => {
  const { delivery, pass, tries } = setUp([failed({ afterMs: 120_000 }), ok]);
  delivery.add(message());
  await pass(0);
  await pass(119_999);
  assert.equal(tries.length, 1);
  await pass(1);
  assert.equal(tries.length, 2);
});

test('what would fail again is not tried again', async () => {
  const { delivery, pass, tries, counts } = setUp([failed({ isFinal: true }), ok]);
  delivery.add(message(3));
  delivery.add(message(2));
  await pass(0);
  assert.equal(tries.length, 2);
  assert.deepEqual(counts, { sent: 2, failed: 1, dropped: 3 });
});

test('a channel that hangs is left after 10 s, and its signal ends', async () => {
  const { delivery, pass, tries, counts } = setUp([]);
  delivery.add(message());
  await pass(0);
  await pass(9_999);
  assert.deepEqual([counts.failed, tries[0]?.signal.aborted], [0, false]);
  await pass(1);
  assert.deepEqual([counts.failed, tries[0]?.signal.aborted], [1, true]);
});

test('a message is given up after 30 minutes, and counted', async () => {
  const { delivery, pass, tries, counts } = setUp(Array.from({ length: 200 }, () => failed()));
  delivery.add(message(4));
  for (let i = 0; i < 2_000; i++) await pass(1_000);
  assert.deepEqual([counts.sent, counts.dropped], [0, 4]);
  assert.ok(tries.length > 25 && tries.length < 40, String(tries.length));
  assert.ok((tries.at(-1)?.atMs ?? 0) <= 1_800_000);
});

test('100 messages wait, and what is more is dropped and counted', async () => {
  const { delivery, pass, counts } = setUp([]);
  for (let i = 0; i < 105; i++) delivery.add(message());
  await pass(0);
  assert.equal(counts.dropped, 5);
});

test('a close does not wait for a channel that hangs, and what is left is dropped and counted', async () => {
  const { delivery, pass, counts } = setUp([]);
  delivery.add(message(2));
  delivery.add(message(3));
  await pass(0);
  const closed = delivery.close(5_000);
  await pass(5_000);
  await closed;
  assert.equal(counts.dropped, 5);
  delivery.add(message());
  assert.equal(counts.dropped, 6);
});

test('a close tries what waits once more', async () => {
  const { delivery, pass, counts } = setUp([failed(), ok, ok]);
  delivery.add(message());
  delivery.add(message());
  await pass(0);
  const closed = delivery.close(5_000);
  await pass(0);
  await closed;
  assert.deepEqual(counts, { sent: 2, failed: 1, dropped: 0 });
});

test('a test goes past what waits, and is tried once', async () => {
  const { delivery, pass, tries } = setUp([failed(), failed({ detail: 'it answered 503' })]);
  delivery.add(message());
  await pass(0);
  assert.deepEqual(await delivery.test(testMessage(0)), { isSent: false, detail: 'it answered 503' });
  assert.deepEqual(
    tries.map(({ id }) => id),
    ['msg_1', 'msg_2'],
  );
});
