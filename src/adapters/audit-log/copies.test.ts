import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { copied, faultOf, newStateDir, openLog, record, wholeOf, writtenLog } from '../../../test/support/audit-log.ts';
import { parseCopies } from '../../audit-log/checkpoint.ts';
import { auditLogPlaces, segmentsIn } from './folder.ts';

/** A log of ten records whose checkpoints were copied to a file as they came. */
function copiedLog() {
  const texts: string[] = [];
  const stateDir = newStateDir();
  const log = openLog(stateDir, { onCheckpoint: (text) => void texts.push(text) });
  for (let i = 0; i < 10; i++) {
    log.append([record(i)]);
    log.checkpoint();
  }
  log.close();
  const file = join(newStateDir(), 'checkpoints');
  writeFileSync(file, texts.join(''));
  return { stateDir, file, texts };
}

/** The same log begun anew with the same name and key, of other records. */
function rewritten(stateDir: string, records: readonly string[]): string {
  const dir = copied(stateDir);
  const { folder, keyChain, lastCheckpoint } = auditLogPlaces(dir);
  for (const { records: lines, hashes, checkpoints } of segmentsIn(folder))
    for (const file of [lines, hashes, checkpoints]) rmSync(file);
  rmSync(lastCheckpoint);
  assert.ok(readFileSync(keyChain).length > 0);
  const log = openLog(dir);
  for (const one of records) log.append([one]);
  log.close();
  return dir;
}

test('a log that extends every copied checkpoint is whole, and says how many those are', () => {
  const { stateDir, file, texts } = copiedLog();
  assert.deepEqual(wholeOf(stateDir, { copyFiles: [file] }).copied, {
    ...{ checkpoints: texts.length, otherLogs: [], unreadableLines: 0 },
  });
});

test('a log written anew as a whole with the same key is found, and the checkpoint that it does not extend is named', () => {
  const { stateDir, file } = copiedLog();
  const records = Array.from({ length: 30 }, (_, i) => record(i, i === 5 ? 'other' : ''));
  const dir = rewritten(stateDir, records);
  assert.equal(wholeOf(dir).state, 'closed');
  const fault = faultOf(dir, { copyFiles: [file] });
  assert.equal(fault.kind, 'bad-checkpoint');
  assert.match(fault.what, /when it had \d+ records: it does not extend that checkpoint/);
});

test('a log that was written anew and is shorter is found, and the checkpoint beyond its end is named', () => {
  const { stateDir, file } = copiedLog();
  const dir = rewritten(stateDir, []);
  writeFileSync(file, readFileSync(file, 'utf8').split('\n').slice(-6).join('\n'));
  const fault = faultOf(dir, { copyFiles: [file] });
  assert.equal(fault.kind, 'truncated');
  assert.match(fault.what, /checkpoints is over 12 records/);
});

test('another log in its place has none of the copied checkpoints', () => {
  const { file } = copiedLog();
  const fault = faultOf(writtenLog([[record(1)]]), { copyFiles: [file] });
  assert.equal(fault.kind, 'foreign');
});

test('one place may be that of several logs, which are named', () => {
  const [one, other] = [copiedLog(), copiedLog()];
  writeFileSync(one.file, readFileSync(other.file, 'utf8') + readFileSync(one.file, 'utf8'));
  const { copied: told } = wholeOf(one.stateDir, { copyFiles: [one.file] });
  assert.equal(told?.checkpoints, one.texts.length);
  assert.equal(told.otherLogs.length, 1);
});

test('a copied checkpoint that no key of the log has signed is a fault', () => {
  const { stateDir, file, texts } = copiedLog();
  const forged = texts.map((text) =>
    text.replace(/(?<=— \S+ )(.{20})(.)/, (_, head: string, c: string) => head + (c === 'A' ? 'B' : 'A')),
  );
  writeFileSync(file, forged.join(''));
  assert.equal(faultOf(stateDir, { copyFiles: [file] }).kind, 'bad-signature');
});

test('what a full disk has torn hides none of the others, wherever it is torn', () => {
  const { texts } = copiedLog();
  fc.assert(
    fc.property(fc.nat(texts.length - 1), fc.nat(200), (i, at) => {
      const one = texts[i] ?? '';
      const torn = [...texts.slice(0, i), `${one.slice(0, Math.min(at, one.length - 1))}#\n`, ...texts.slice(i)];
      const { checkpoints } = parseCopies(torn.join(''));
      assert.deepEqual(
        checkpoints.map(({ size }) => size),
        parseCopies(texts.join('')).checkpoints.map(({ size }) => size),
      );
    }),
  );
});

test('whatever stands in such a file, it is read to its end', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) =>
      assert.deepEqual(parseCopies(text).checkpoints, []),
    ),
  );
});
