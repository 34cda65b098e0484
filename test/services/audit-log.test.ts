import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { auditLogPlaces } from '../../src/adapters/audit-log/folder.ts';
import { newStateDir, openLog, record, wholeOf } from '../support/audit-log.ts';
import { sallyport } from '../support/command.ts';

/** A judge that shares no line with the product: Go's `note` and `tlog`. */
const program = process.env['AUDIT_LOG_JUDGE'] ?? '';

function judge(...words: string[]): { readonly status: number | null; readonly out: string; readonly err: string } {
  const { status, stdout, stderr, error } = spawnSync(program, words, { encoding: 'utf8' });
  if (error !== undefined) throw error;
  return { status, out: stdout.trim(), err: stderr };
}

suite("an audit log before Go's note and tlog", () => {
  const stateDir = newStateDir();
  const { folder, publicKey, lastCheckpoint } = auditLogPlaces(stateDir);
  const work = newStateDir();
  const old = join(work, 'old');
  const log = openLog(stateDir, { segmentBytes: 4_000 });
  for (let i = 0; i < 45; i++) {
    log.append([record(i, 'é😀'), record(1_000 + i)]);
    if (i % 3 === 0) log.checkpoint();
    if (i === 18) copyFileSync(lastCheckpoint, old);
  }
  log.close();
  const { size } = wholeOf(stateDir);

  test('the key is a verifier, every checkpoint opens, and has the root of all records', () => {
    const { status, out, err } = judge(publicKey, 'folder', folder);
    assert.equal(status, 0, err);
    assert.ok(Number(out) > 15, `${out} checkpoints`);
  });

  test('the proof of each record is accepted, and of no other record', async () => {
    const [proof, line] = [join(work, 'proof'), join(work, 'line')];
    for (let sequence = 0; sequence < size; sequence++) {
      writeFileSync(proof, (await sallyport(stateDir, `audit-log prove ${sequence}`)).out);
      const { record: text } = JSON.parse((await sallyport(stateDir, `audit-log prove ${sequence} --json`)).out);
      writeFileSync(line, String(text));
      const { status, err } = judge(publicKey, 'record', proof, line);
      assert.equal(status, 0, `${sequence}: ${err}`);
      writeFileSync(line, String(text).replace('"sequence"', '"Sequence"'));
      assert.equal(judge(publicKey, 'record', proof, line).status, 1);
    }
  });

  test('the proof that the log goes on from an earlier checkpoint is accepted, and not from another', async () => {
    const proof = join(work, 'growth');
    writeFileSync(proof, (await sallyport(stateDir, `audit-log prove --since ${old}`)).out);
    const { status, err } = judge(publicKey, 'growth', proof, old);
    assert.equal(status, 0, err);
    const spoilt = readFileSync(proof, 'utf8').split('\n').toSpliced(2, 1).join('\n');
    writeFileSync(proof, spoilt);
    assert.equal(judge(publicKey, 'growth', proof, old).status, 1);
  });

  test('a checkpoint that was changed does not open', () => {
    const spoilt = join(work, 'spoilt');
    const text = readFileSync(lastCheckpoint, 'utf8');
    writeFileSync(spoilt, `c2sp.org/tlog-proof@v1\nindex 0\n\n${text.replace(`\n${size}\n`, `\n${size - 1}\n`)}`);
    const { status, err } = judge(publicKey, 'record', spoilt, spoilt);
    assert.equal(status, 1);
    assert.match(err, /invalid signature/);
  });

  test('after a change of the key its new form opens what it signed, and the old one no longer', () => {
    const again = openLog(stateDir);
    const before = join(work, 'before');
    copyFileSync(publicKey, before);
    again.rotateKey();
    again.append([record(1)]);
    again.close();
    const proof = join(work, 'rotated');
    writeFileSync(proof, `c2sp.org/tlog-proof@v1\nindex 0\n\n${readFileSync(lastCheckpoint, 'utf8')}`);
    assert.match(judge(publicKey, 'record', proof, proof).err, /record 0/, 'it opens; the proof is none');
    assert.match(judge(before, 'record', proof, proof).err, /no verifiable signatures/);
  });
});
