import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AuditLogWriteError } from '../../adapters/audit-log/writer.ts';
import type { AuditRecord } from '../../kernel/record.ts';
import { createRecorder } from './recorder.ts';

const STARTED: AuditRecord = { kind: 'lifecycle', timeMs: 1, activity: 'start', detail: {} };
const lineOf = (id: string): string =>
  `${JSON.stringify([1, id, 1, null, 'answer', 200, ...Array<null>(31).fill(null)])}\n`;
const batchOf = (text: string, dropped = 0) => ({
  lines: new TextEncoder().encode(text),
  contents: [],
  dropped,
});

/** A log whose disk can be full. */
function setUp() {
  const written: string[] = [];
  const lost: [number, string][] = [];
  const said: string[] = [];
  const state = { isFull: false, hasNoRoomForKeys: false, isFailing: false, isClosed: false };
  const full = () => new AuditLogWriteError(Object.assign(new Error('full'), { code: 'ENOSPC' }));
  const recorder = createRecorder({
    log: {
      append(texts) {
        if (state.isFull) throw full();
        if (texts.includes('bad')) throw new RangeError('no record');
        written.push(...texts);
        return 0;
      },
      lose: (count, _, reason) => void lost.push([count, reason]),
      checkpoint() {
        if (state.isFull) throw full();
      },
      close: () => void (state.isClosed = true),
    },
    textOf(record) {
      // As where the key of a new tenant does not get onto the disk.
      if (state.hasNoRoomForKeys) throw Object.assign(new Error('ENOSPC: full'), { code: 'ENOSPC', syscall: 'write' });
      if (record.kind === 'finding') throw new TypeError('a bug');
      return record.kind === 'request' ? record.requestId : record.kind;
    },
    clock: { nowMs: () => 7 },
    memory: { setFailing: (isFailing) => void (state.isFailing = isFailing) },
    onFailing: (why) => void said.push(why),
    onLost: (count) => void said.push(`lost ${count}`),
    onRecovered: (count) => void said.push(`recovered ${count}`),
  });
  return { written, lost, said, state, recorder };
}

test('what several workers hand over is written in one piece, and what they have dropped is said', () => {
  const { written, lost, recorder } = setUp();
  assert.equal(recorder.write([batchOf(lineOf('a') + lineOf('b')), batchOf(lineOf('c'), 3)]), true);
  recorder.write([], [{ records: [STARTED], dropped: 0 }]);
  assert.deepEqual(written, ['a', 'b', 'c', 'lifecycle']);
  assert.deepEqual(lost, [[3, 'behind']]);
});

test('what the disk does not take waits, in order, and is written when it takes it again', () => {
  const { written, lost, said, state, recorder } = setUp();
  state.isFull = true;
  assert.equal(recorder.write([batchOf(lineOf('a'))]), false);
  assert.equal(recorder.write([batchOf(lineOf('b'))]), false);
  assert.equal(state.isFailing, true);
  recorder.retry();
  state.isFull = false;
  recorder.retry();
  assert.deepEqual(written, ['a', 'b']);
  assert.equal(state.isFailing, false);
  assert.deepEqual(lost, []);
  assert.deepEqual(said, ['the audit log cannot be written (ENOSPC)', 'recovered 0']);
});

test('what waits is bounded: the newest are given up, and how many is said in the log', () => {
  const { written, lost, said, state, recorder } = setUp();
  state.isFull = true;
  recorder.write([batchOf(Array.from({ length: 50_002 }, (_, i) => lineOf(`r${i}`)).join(''))]);
  state.isFull = false;
  recorder.retry();
  assert.equal(written.length, 50_000);
  assert.equal(written[0], 'r0');
  assert.deepEqual(lost, [[2, 'write-failed']]);
  assert.equal(said.at(-1), 'recovered 2');
});

test('one that is no record is given up alone', () => {
  const { written, lost, recorder } = setUp();
  assert.equal(recorder.write([batchOf(lineOf('a') + lineOf('bad') + lineOf('b'))]), true);
  assert.deepEqual(written, ['a', 'b']);
  assert.deepEqual(lost, [[1, 'not-a-record']]);
});

test('a failure that only the clock of the log has seen ends with the next checkpoint that can be written', () => {
  const { said, state, recorder } = setUp();
  recorder.failed(new Error('full'));
  state.isFull = true;
  recorder.retry();
  assert.equal(state.isFailing, true);
  state.isFull = false;
  recorder.retry();
  assert.equal(state.isFailing, false);
  assert.deepEqual(said, ['full', 'recovered 0']);
});

test('at the end what waits is written, and the log is closed', () => {
  const { written, state, recorder } = setUp();
  state.isFull = true;
  recorder.write([batchOf(lineOf('a'))]);
  state.isFull = false;
  recorder.close();
  assert.deepEqual(written, ['a']);
  assert.equal(state.isClosed, true);
});

test('a record whose text cannot be made for a full disk waits with those behind it, in order', () => {
  const { written, lost, said, state, recorder } = setUp();
  state.hasNoRoomForKeys = true;
  assert.equal(recorder.write([batchOf(lineOf('a'))]), false);
  recorder.write([], [{ records: [STARTED], dropped: 0 }]);
  assert.deepEqual([written, lost, state.isFailing], [[], [], true]);
  state.hasNoRoomForKeys = false;
  recorder.retry();
  assert.deepEqual(written, ['a', 'lifecycle']);
  assert.deepEqual(said, ['ENOSPC: full', 'recovered 0']);
});

test('a record whose text can never be made is given up alone', () => {
  const { written, lost, recorder } = setUp();
  const finding = { rule: 'r', subject: 's', tenant: undefined, score: 1, why: 'w', requestId: undefined };
  recorder.write([], [{ records: [STARTED, { kind: 'finding', timeMs: 1, ...finding }, STARTED], dropped: 0 }]);
  assert.deepEqual(written, ['lifecycle', 'lifecycle']);
  assert.deepEqual(lost, [[1, 'not-a-record']]);
});

test('a line that is no record is counted, and takes neither the others nor the thread with it', () => {
  const { written, lost, recorder } = setUp();
  assert.equal(recorder.write([batchOf(`${lineOf('a')}[1,Infinity]\n[]\n${lineOf('b')}`)]), true);
  assert.deepEqual(written, ['a', 'b']);
  assert.deepEqual(lost, [
    [1, 'not-a-record'],
    [1, 'not-a-record'],
  ]);
});

test('records are on the disk before anybody listens, and who cannot take one breaks nothing', () => {
  const written: string[] = [];
  const deaf: string[] = [];
  const recorder = createRecorder({
    log: {
      append: (texts) => written.push(...texts),
      lose: () => undefined,
      checkpoint: () => undefined,
      close: () => undefined,
    },
    textOf: ({ kind }) => kind,
    clock: { nowMs: () => 7 },
    memory: { setFailing: () => undefined },
    ...{ onFailing: () => undefined, onLost: () => undefined, onRecovered: () => undefined },
    hear() {
      deaf.push(`after ${written.length}`);
      throw new TypeError('a bug');
    },
    onDeaf: (name) => void deaf.push(name),
  });
  assert.equal(recorder.write([batchOf(lineOf('a'))], [{ records: [STARTED], dropped: 0 }]), true);
  assert.deepEqual(deaf, ['after 2', 'TypeError', 'after 2', 'TypeError']);
});

test('records of the control plane that were given up before are counted', () => {
  const { lost, recorder } = setUp();
  recorder.write([], [{ records: [STARTED], dropped: 4 }]);
  assert.deepEqual(lost, [[4, 'behind']]);
});
