import assert from 'node:assert/strict';
import { copyFileSync, cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { auditLogPlaces, segmentOf } from '../../src/adapters/audit-log/folder.ts';
import { openStateDir } from '../../src/adapters/files/state-dir.ts';
import { takeStateLock } from '../../src/adapters/sqlite/lock.ts';
import { isSignedBy, parseVerifier } from '../../src/audit-log/note.ts';
import { provesConsistency, provesInclusion } from '../../src/audit-log/proof.ts';
import { parseCheckpoint } from '../../src/audit-log/checkpoint.ts';
import { parseTlogProof } from '../../src/audit-log/tlog-proof.ts';
import { leafHash, parseHash } from '../../src/audit-log/tree.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { copied, newStateDir, openLog, record, wholeOf, writtenLog } from '../support/audit-log.ts';
import { killWhileWriting, verifyWhileWriting } from '../support/audit-log-crash.ts';
import { sallyport } from '../support/command.ts';

const groups = Array.from({ length: 6 }, (_, i) => [record(3 * i), record(3 * i + 1), record(3 * i + 2)]);

suite('audit-log verify', () => {
  const stateDir = writtenLog(groups, { segmentBytes: 1_500 });
  const { folder, publicKey, lastCheckpoint } = auditLogPlaces(stateDir);
  const size = wholeOf(stateDir).size;

  test('tells that a log holds, by its files and the key beside them, and says where that key lies', async () => {
    const { exit, out, err } = await sallyport(stateDir, 'audit-log verify');
    assert.equal(exit, 0);
    assert.match(out, new RegExp(`^records +${size}$`, 'm'));
    assert.match(out, /^state +closed$/m);
    assert.match(out, /^verdict +whole$/m);
    assert.ok(err.includes(readFileSync(publicKey, 'utf8').trim()));
  });

  test('needs no state directory: a copy of the folder and the key do', async () => {
    const elsewhere = newStateDir();
    cpSync(folder, join(elsewhere, 'copy'), { recursive: true });
    copyFileSync(publicKey, join(elsewhere, 'key'));
    const line = `audit-log verify ${join(elsewhere, 'copy')} --public-key ${join(elsewhere, 'key')} --json`;
    const { exit, out, err } = await sallyport(newStateDir(), line);
    assert.deepEqual([exit, err], [0, '']);
    const { ok, size: found, signed, state } = JSON.parse(out);
    assert.deepEqual([ok, found, signed, state], [true, size, size, 'closed']);
  });

  test('names the first bad record by its number, and ends with 1', async () => {
    const spoilt = copied(stateDir);
    const { records } = segmentOf(auditLogPlaces(spoilt).folder, 0);
    writeFileSync(records, readFileSync(records, 'utf8').replace('"uid":"r1"', '"uid":"r7"'));
    const text = await sallyport(spoilt, 'audit-log verify');
    assert.deepEqual(
      [text.exit, text.out],
      [1, 'BAD: record 2: changed: the record is not what was written (0000000000000000.jsonl)\n'],
    );
    const { exit, out } = await sallyport(spoilt, 'audit-log verify --json');
    const { ok, kind, sequence } = JSON.parse(out);
    assert.deepEqual([exit, ok, kind, sequence], [1, false, 'changed', 2]);
  });

  test('a log that was set back is found by a checkpoint that was kept', async () => {
    const kept = join(newStateDir(), 'kept');
    const longer = copied(stateDir);
    openLog(longer).close();
    copyFileSync(auditLogPlaces(longer).lastCheckpoint, kept);
    assert.equal((await sallyport(stateDir, 'audit-log verify')).exit, 0);
    const { exit, out } = await sallyport(stateDir, `audit-log verify --checkpoint ${kept}`);
    assert.equal(exit, 1);
    assert.match(out, new RegExp(`^BAD: record ${size}: truncated: `));
    assert.ok(existsSync(lastCheckpoint));
  });

  test('wrong usage ends with 2, and says what is missing', async () => {
    const alone = newStateDir();
    cpSync(folder, join(alone, 'copy'), { recursive: true });
    for (const [line, message] of [
      [`audit-log verify ${join(alone, 'copy')}`, /There is no public key .*: give it with --public-key FILE/],
      ['audit-log verify --checkpoint /nonexistent', /there is no file \/nonexistent/],
      ['audit-log verify a b', /"b" is one word too many/],
      ['audit-log prove', /SEQUENCE is missing/],
      ['audit-log prove x', /SEQUENCE is missing/],
      ['audit-log verfy', /Did you mean "verify"/],
    ] as const) {
      const { exit, err } = await sallyport(stateDir, line);
      assert.equal(exit, 2, line);
      assert.match(err, message);
    }
  });

  test('where there is no log it ends with 1', async () => {
    for (const verb of ['verify', 'rotate-key', 'prove 1']) {
      const { exit, err } = await sallyport(newStateDir(), `audit-log ${verb}`);
      assert.equal(exit, 1);
      assert.match(err, /There is no audit log in /);
    }
  });
});

suite('audit-log prove', () => {
  const stateDir = writtenLog(groups, { segmentBytes: 1_500 });
  const { publicKey, lastCheckpoint } = auditLogPlaces(stateDir);
  const { size } = wholeOf(stateDir);
  const key = parseVerifier(readFileSync(publicKey, 'utf8'));

  test('gives a proof of each record that holds with nothing but the record and the key', async () => {
    for (let sequence = 0; sequence < size; sequence++) {
      const proof = parseTlogProof((await sallyport(stateDir, `audit-log prove ${sequence}`)).out);
      const { record: line } = JSON.parse((await sallyport(stateDir, `audit-log prove ${sequence} --json`)).out);
      assert.ok(proof && key && isSignedBy(proof.checkpoint.note, key));
      assert.equal(JSON.parse(line).metadata.sequence, sequence);
      const { index, hashes, checkpoint } = proof;
      assert.ok(provesInclusion(leafHash(Buffer.from(line)), index, checkpoint.size, hashes, checkpoint.root));
    }
  });

  test('a record that is not there, or not signed, has no proof', async () => {
    const { exit, err } = await sallyport(stateDir, `audit-log prove ${size}`);
    assert.deepEqual([exit, err], [1, `record ${size} is not signed: ${size} records are\n`]);
  });

  test('a record that was changed has no proof', async () => {
    const spoilt = copied(stateDir);
    const { records } = segmentOf(auditLogPlaces(spoilt).folder, 0);
    writeFileSync(records, readFileSync(records, 'utf8').replace('"uid":"r1"', '"uid":"r7"'));
    const { exit, err } = await sallyport(spoilt, 'audit-log prove 2');
    assert.equal(exit, 1);
    assert.match(err, /the log does not hold/);
    assert.equal((await sallyport(spoilt, 'audit-log prove 1')).exit, 0);
  });

  test('a record that retention has deleted has a proof still, of its hash', async () => {
    const stateDir = newStateDir();
    const log = openLog(stateDir, { segmentBytes: 500 });
    for (let i = 0; i < 9; i++) log.append([record(i)]);
    const before = log.retain(1_800_000_000_000);
    log.close();
    assert.ok(before > 2);
    const { exit, out } = await sallyport(stateDir, 'audit-log prove 1 --json');
    assert.deepEqual([exit, JSON.parse(out).record], [0, null]);
    assert.equal((await sallyport(stateDir, `audit-log prove ${before}`)).exit, 0);
  });

  test('with --since it proves that the log goes on from a checkpoint that others have', async () => {
    const longer = copied(stateDir);
    const log = openLog(longer);
    log.append([record(1)]);
    log.close();
    const old = parseCheckpoint(readFileSync(lastCheckpoint, 'utf8'));
    const { out } = await sallyport(longer, `audit-log prove --since ${lastCheckpoint}`);
    const [, oldSize, lines = '', note = ''] = /^old (\d+)\n((?:[\w+/]{43}=\n)*)\n([\s\S]*)$/.exec(out) ?? [];
    const now = parseCheckpoint(note);
    const hashes = lines
      .split('\n')
      .slice(0, -1)
      .map((line) => parseHash(line) ?? '');
    assert.ok(old && now && key && isSignedBy(now.note, key));
    assert.equal(Number(oldSize), old.size);
    assert.ok(provesConsistency(old, now, hashes));
    const { exit } = await sallyport(stateDir, `audit-log prove --since ${auditLogPlaces(longer).lastCheckpoint}`);
    assert.equal(exit, 1, 'a shorter log does not go on from a longer one');
  });
});

suite('audit-log rotate-key', () => {
  test('has a new key sign where nothing runs, and the old key still verifies the log', async () => {
    const stateDir = writtenLog(groups);
    openStateDir(stateDir);
    const old = join(newStateDir(), 'old');
    copyFileSync(auditLogPlaces(stateDir).publicKey, old);
    const { exit, out } = await sallyport(stateDir, 'audit-log rotate-key --json');
    assert.equal(exit, 0);
    assert.equal(`${JSON.parse(out).publicKey}\n`, readFileSync(auditLogPlaces(stateDir).publicKey, 'utf8'));
    assert.equal((await sallyport(stateDir, `audit-log verify --public-key ${old}`)).exit, 0);
    assert.equal((await sallyport(stateDir, 'audit-log verify')).exit, 0);
  });

  test('asks the process that writes the log where there is one', async () => {
    const stateDir = newStateDir();
    const lock = takeStateLock(openStateDir(stateDir).lock);
    const log = openLog(stateDir, { clock: systemClock });
    const before = readFileSync(auditLogPlaces(stateDir).publicKey, 'utf8');
    const { exit, out } = await sallyport(stateDir, 'audit-log rotate-key');
    assert.equal(exit, 0);
    assert.notEqual(out, before);
    log.close();
    lock?.release();
    assert.equal(wholeOf(stateDir).keys.length, 2);
  });
});

test('a log can be verified while it is written', async () => {
  assert.ok((await verifyWhileWriting(25)) > 50);
});

test('killed while it writes, the log verifies each time, and nothing acknowledged is missing', async () => {
  assert.ok((await killWhileWriting(6, Math.random)) > 50);
});
