import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { copied, faultOf, newStateDir, openLog, record, wholeOf } from '../../../test/support/audit-log.ts';
import { settableClock } from '../../../test/support/clock.ts';
import { lineOf } from '../../audit-log/line.ts';
import { ownLine } from '../../audit-log/own-record.ts';
import { leafHash } from '../../audit-log/tree.ts';
import { parseKeyChain, signRetention } from '../../audit-log/statement.ts';
import { auditLogPlaces, segmentsIn } from './folder.ts';
import { openSigningKeys } from './signing-key.ts';

/** A log whose key was changed after six records, and the old key in a thief's hands. */
function rotated() {
  const stateDir = newStateDir();
  const log = openLog(stateDir, { segmentBytes: 600 });
  for (let i = 0; i < 3; i++) log.append([record(i), record(i)]);
  const stolen = openSigningKeys(auditLogPlaces(stateDir)).current(log.origin);
  assert.ok(stolen);
  log.checkpoint();
  const oldKeyOf = copied(stateDir);
  log.rotateKey();
  const changedAt = log.size;
  for (let i = 3; i < 8; i++) log.append([record(i), record(i)]);
  log.close();
  return { stateDir, stolen, oldKeyOf, changedAt, origin: log.origin };
}

/** Writes the log of a state directory anew with the key that lies in it, and leaves the statement of keys as it was. */
function writtenAnew(stateDir: string, oldKeyOf: string, size: number): string {
  const dir = copied(oldKeyOf);
  const places = auditLogPlaces(dir);
  for (const { records, hashes, checkpoints } of segmentsIn(places.folder)) {
    for (const file of [records, hashes, checkpoints]) rmSync(file);
  }
  rmSync(places.lastCheckpoint);
  const log = openLog(dir);
  while (log.size < size) log.append([record(log.size, 'another past')]);
  log.checkpoint();
  const after = auditLogPlaces(stateDir);
  copyFileSync(after.keyChain, places.keyChain);
  copyFileSync(after.publicKey, places.publicKey);
  rmSync(places.lastCheckpoint);
  return dir;
}

suite('a key that was stolen, and changed after that', () => {
  test('does not write the past anew: the new key knows the tree that it has taken over', () => {
    const { stateDir, oldKeyOf, changedAt } = rotated();
    const dir = writtenAnew(stateDir, oldKeyOf, changedAt);
    const fault = faultOf(dir);
    assert.equal(fault.kind, 'bad-checkpoint');
    assert.match(fault.what, new RegExp(`when it had ${changedAt} records`));
    // The same past as it was is one that holds.
    assert.equal(wholeOf(stateDir).keys.length, 2);
  });

  test('does not have deleted what came after it: the log has to say so itself, in a record that is signed', () => {
    const { stateDir, stolen, changedAt } = rotated();
    const places = auditLogPlaces(stateDir);
    const segments = segmentsIn(places.folder);
    const first = segments.at(-1)?.first ?? 0;
    assert.ok(first > changedAt);
    writeFileSync(places.retention, signRetention(first, stolen));
    for (const { records } of segments.slice(0, -1)) rmSync(records);
    const { kind, what } = faultOf(stateDir);
    assert.deepEqual(
      [kind, what],
      ['bad-statement', `no record of the log says that those before ${first} are deleted`],
    );
  });

  test('nor with such a record that nobody has signed', () => {
    const { stateDir, stolen, oldKeyOf } = rotated();
    // An open log, whose end is not signed yet.
    const places = auditLogPlaces(stateDir);
    const log = openLog(stateDir);
    log.checkpoint();
    const last = segmentsIn(places.folder).at(-1);
    assert.ok(last);
    appendFileSync(last.records, `${ownLine({ event: 'retain', deletedBefore: last.first }, log.size, 0)}\n`);
    writeFileSync(places.retention, signRetention(last.first, stolen));
    assert.equal(faultOf(stateDir).kind, 'bad-statement');
    assert.equal(wholeOf(oldKeyOf).keys.length, 1);
  });
});

suite('records without a checkpoint', () => {
  /** A log that is open, of which the last second is not signed, and records that somebody writes behind it. */
  function written(spanMs: number) {
    const stateDir = newStateDir();
    const log = openLog(stateDir);
    log.append([record(0)]);
    log.checkpoint();
    const [segment] = segmentsIn(auditLogPlaces(stateDir).folder);
    assert.ok(segment);
    for (let i = 0; i < 10; i++) {
      const line = lineOf(record(Math.round((spanMs * i) / 9)), log.size + i);
      appendFileSync(segment.records, `${line}\n`);
    }
    return { stateDir, size: log.size };
  }

  test('of two minutes may be what a crash leaves: records that stand for many come late', () => {
    const { stateDir, size } = written(120_000);
    const { signed, size: all } = wholeOf(stateDir);
    assert.deepEqual([signed, all], [size, size + 10]);
  });

  test('of more than that are a fault: whoever takes the checkpoints away writes what they like', () => {
    const { stateDir, size } = written(3 * 86_400_000);
    const { kind, sequence, last, what } = faultOf(stateDir);
    assert.deepEqual([kind, sequence, last], ['bad-checkpoint', size, size + 9]);
    assert.match(what, /no checkpoint is over the last 10 records, which span 259200 s/);
  });

  test('are no less a fault once a start has signed them as it found them, and it says so to who starts it', () => {
    const { stateDir, size } = written(3 * 86_400_000);
    const log = openLog(stateDir, { clock: settableClock(1_800_000_000_000) });
    assert.deepEqual(log.foundUnsigned, { records: 10, spanMs: 3 * 86_400_000 });
    log.close();
    const { kind, sequence, last, what } = faultOf(stateDir);
    assert.deepEqual([kind, sequence, last], ['bad-checkpoint', size, size + 9]);
    assert.match(what, /a start of the gateway found no checkpoint over these 10 records, which span 259200 s/);
  });

  test('of a segment that was rewritten whole while no gateway ran, too', () => {
    const stateDir = newStateDir();
    const log = openLog(stateDir);
    for (let i = 0; i < 5; i++) log.append([record(i * 60_000, 'guilty')]);
    log.close();
    const places = auditLogPlaces(stateDir);
    const [segment] = segmentsIn(places.folder);
    assert.ok(segment);
    const lines = readFileSync(segment.records, 'utf8').replaceAll('guilty', 'another').split('\n').slice(0, -1);
    writeFileSync(segment.records, `${lines.join('\n')}\n`);
    writeFileSync(segment.hashes, lines.map((line) => leafHash(Buffer.from(line))).join(''), 'latin1');
    for (const file of [segment.checkpoints, places.lastCheckpoint]) rmSync(file);
    assert.equal(faultOf(stateDir).kind, 'bad-checkpoint');
    openLog(stateDir).close();
    assert.equal(faultOf(stateDir).kind, 'bad-checkpoint');
  });
});

test('what is no file among the files of a log is said, and waited for by nobody', () => {
  const { stateDir } = rotated();
  const [segment] = segmentsIn(auditLogPlaces(stateDir).folder);
  assert.ok(segment);
  for (const file of [segment.records, segment.checkpoints, auditLogPlaces(stateDir).keyChain]) {
    const dir = copied(stateDir);
    const pipe = file.replace(stateDir, dir);
    rmSync(pipe);
    execFileSync('mkfifo', [pipe]);
    assert.throws(() => wholeOf(dir), /is no regular file/, pipe);
  }
});

test('a statement of keys that says nothing of the tree is none', () => {
  const { stateDir } = rotated();
  const text = readFileSync(auditLogPlaces(stateDir).keyChain, 'utf8');
  assert.ok(parseKeyChain(text));
  const lines = text.split('\n');
  const at = lines.findLastIndex((line) => /^[A-Za-z0-9+/]{43}=$/.test(line));
  assert.ok(at > 0);
  assert.equal(parseKeyChain(lines.toSpliced(at, 1).join('\n')), undefined);
});
