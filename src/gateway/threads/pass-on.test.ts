import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditRecord } from '../../kernel/record.ts';
import type { RecordedBatch } from './exports-messages.ts';
import { createPassOn } from './pass-on.ts';

function fakePort() {
  const posted: RecordedBatch[] = [];
  const listeners: (() => void)[] = [];
  const port = {
    postMessage: (batch: RecordedBatch) => void posted.push(batch),
    on: (_: string, listener: () => void) => listeners.push(listener),
    close: () => undefined,
  };
  return { posted, port: port as never, take: () => listeners[0]?.() };
}

const lines = (count: number) => new Uint8Array(Buffer.from('[1]\n'.repeat(count)));

test('what the other does not take in time is left out and counted, and changes never are', () => {
  const { posted, port, take } = fakePort();
  const passOn = createPassOn();
  passOn.setPort(port);
  for (let i = 0; i < 64; i++) passOn.lines(lines(1));
  assert.equal(posted.length, 64);
  passOn.lines(lines(3));
  passOn.lines(lines(2));
  assert.equal(posted.length, 64);
  passOn.records([{ kind: 'lifecycle', timeMs: 1, activity: 'stop', detail: {} }]);
  assert.deepEqual([posted.length, posted.at(-1)?.dropped], [65, 5]);
  take();
  take();
  passOn.lines(lines(1));
  assert.deepEqual([posted.length, posted.at(-1)?.dropped], [66, 0]);
});

test('with nobody to hear it nothing is kept', () => {
  const { posted, port } = fakePort();
  const passOn = createPassOn();
  passOn.lines(lines(1));
  passOn.setPort(port);
  passOn.setPort(undefined);
  passOn.lines(lines(1));
  assert.deepEqual(posted, []);
});

test('what callers make by asking is left out and counted while the other is behind, and changes among it are not', () => {
  const { posted, port } = fakePort();
  const passOn = createPassOn();
  passOn.setPort(port);
  for (let i = 0; i < 64; i++) passOn.lines(lines(1));
  const refused: AuditRecord = {
    ...{ kind: 'sign-in', timeMs: 1, isGood: false, method: 'password', user: undefined },
    ...{ requestId: undefined, tenant: undefined, address: undefined },
  };
  const stopped: AuditRecord = { kind: 'lifecycle', timeMs: 1, activity: 'stop', detail: {} };
  passOn.records([refused, refused]);
  assert.equal(posted.length, 64);
  passOn.records([refused, stopped]);
  assert.deepEqual(posted.at(-1), { records: [stopped], dropped: 3 });
});
