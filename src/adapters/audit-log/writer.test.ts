import assert from 'node:assert/strict';
import {
  appendFileSync,
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  rmdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import {
  copied,
  faultOf,
  newStateDir,
  openLog,
  record,
  verified,
  wholeOf,
  writtenLog,
} from '../../../test/support/audit-log.ts';
import { settableClock } from '../../../test/support/clock.ts';
import { readOwn, type OwnRecord } from '../../audit-log/own-record.ts';
import { signKey } from '../../audit-log/statement.ts';
import { parseCheckpoint } from '../../audit-log/checkpoint.ts';
import { auditLogPlaces, segmentOf, segmentsIn } from './folder.ts';
import { AuditLogDamaged } from './recover.ts';
import { openSigningKeys } from './signing-key.ts';

const folderOf = (stateDir: string): string => auditLogPlaces(stateDir).folder;
const linesOf = (stateDir: string): string[] =>
  segmentsIn(folderOf(stateDir))
    .filter(({ records }) => existsSync(records))
    .flatMap(({ records }) => readFileSync(records, 'utf8').split('\n').slice(0, -1));
const ownOf = (stateDir: string): OwnRecord[] => linesOf(stateDir).flatMap((line) => readOwn(Buffer.from(line)) ?? []);
const eventsOf = (stateDir: string): string[] =>
  ownOf(stateDir).map((own) => (own.event === 'open' ? `open ${own.why}` : own.event));

suite('writing', () => {
  test('records get the numbers from 0 on in the order they came, and verify', () => {
    const stateDir = newStateDir();
    const log = openLog(stateDir);
    assert.equal(log.append([record(1), record(2)]), 1, 'the log itself has 0');
    assert.equal(log.append([record(3)]), 3);
    assert.equal(log.size, 4);
    log.close();
    const lines = linesOf(stateDir);
    assert.deepEqual(
      lines.map((line) => JSON.parse(line).metadata.sequence),
      [0, 1, 2, 3, 4],
    );
    assert.deepEqual(
      lines.map((line) => JSON.parse(line).metadata.uid),
      [undefined, 'r1', 'r2', 'r3', undefined],
    );
    const { size, signed, state, keys } = wholeOf(stateDir);
    assert.deepEqual([size, signed, state, keys.length], [5, 5, 'closed', 1]);
  });

  test('a checkpoint comes each second in which there were records, and none where there were not', () => {
    const clock = settableClock();
    const notes: string[] = [];
    const log = openLog(newStateDir(), { clock, onCheckpoint: (note) => notes.push(note) });
    const sizes = () => notes.map((note) => Number(note.split('\n')[1]));
    assert.deepEqual(sizes(), [1]);
    log.append([record(1)]);
    log.append([record(2)]);
    clock.advance(999);
    assert.deepEqual([sizes(), log.signed], [[1], 1]);
    clock.advance(1);
    assert.deepEqual([sizes(), log.signed], [[1, 3], 3]);
    clock.advance(10_000);
    assert.deepEqual(sizes(), [1, 3]);
    log.append([record(3)]);
    log.close();
    assert.deepEqual(sizes(), [1, 3, 5]);
    clock.advance(10_000);
    assert.deepEqual(sizes(), [1, 3, 5], 'after the end nothing is signed');
  });

  test('the last checkpoint lies beside the folder, too', () => {
    const stateDir = newStateDir();
    const notes: string[] = [];
    const log = openLog(stateDir, { onCheckpoint: (note) => notes.push(note) });
    log.append([record(1)]);
    log.close();
    assert.equal(readFileSync(auditLogPlaces(stateDir).lastCheckpoint, 'utf8'), notes.at(-1));
  });

  test('a group with a text that is no record is not written at all', () => {
    const stateDir = newStateDir();
    const log = openLog(stateDir);
    assert.throws(() => log.append([record(1), '{"time":1}']), RangeError);
    assert.equal(log.size, 1);
    log.append([record(2)]);
    log.close();
    assert.equal(wholeOf(stateDir).size, 3);
  });

  test('a full segment ends, and the next one says which log it is of and where the tree stands', () => {
    const stateDir = newStateDir();
    const log = openLog(stateDir, { segmentBytes: 2_000 });
    for (let i = 0; i < 60; i++) log.append([record(i)]);
    log.close();
    const segments = segmentsIn(folderOf(stateDir));
    assert.ok(segments.length > 2);
    for (const { records } of segments) assert.ok(statSync(records).size < 2_000 + 1_000);
    const opens = ownOf(stateDir).filter((own) => own.event === 'open');
    assert.equal(opens.length, segments.length);
    assert.ok(opens.every(({ log: origin }) => origin === log.origin));
    assert.equal(wholeOf(stateDir).state, 'closed');
  });

  test('a segment with so many checkpoints ends, too, and keeps 64 of them', () => {
    const stateDir = newStateDir();
    const log = openLog(stateDir, { segmentCheckpoints: 100 });
    for (let i = 0; i < 110; i++) {
      log.append([record(i)]);
      log.checkpoint();
    }
    log.close();
    const [first] = segmentsIn(folderOf(stateDir));
    assert.equal(readFileSync(first?.checkpoints ?? '', 'utf8').split('\n\n').length - 1, 64);
    assert.equal(segmentsIn(folderOf(stateDir)).length, 2);
    assert.equal(wholeOf(stateDir).state, 'closed');
  });

  test('a clock that is set back is recorded, and the order of the records stays', () => {
    const stateDir = newStateDir();
    let nowMs = 1_700_000_000_000;
    const log = openLog(stateDir, { clock: { ...settableClock(), nowMs: () => nowMs } });
    log.append([record(1)]);
    nowMs -= 1_000;
    log.append([record(2)]);
    assert.deepEqual(eventsOf(stateDir), ['open begin'], 'a second is no setting back');
    nowMs -= 1_001;
    log.append([record(3)]);
    log.append([record(4)]);
    log.close();
    const [, clock] = ownOf(stateDir);
    assert.deepEqual(clock, { event: 'clock', fromMs: 1_699_999_999_000, toMs: 1_699_999_997_999 });
    const { kind, clocksSetBack } = wholeOf(stateDir);
    assert.deepEqual([kind, clocksSetBack], ['whole', 1]);
  });

  test('a clock that is set back while nothing runs is recorded at the next start', () => {
    const stateDir = writtenLog([[record(1)]], { clock: settableClock(1_700_000_100_000) });
    const log = openLog(stateDir, { clock: settableClock(1_700_000_000_000) });
    log.append([record(2)]);
    log.close();
    assert.equal(wholeOf(stateDir).clocksSetBack, 1);
  });

  test('files are for their owner alone, the private key lies apart from the log', () => {
    const stateDir = writtenLog([[record(1)]]);
    const { folder, key, publicKey } = auditLogPlaces(stateDir);
    assert.equal(statSync(folder).mode & 0o777, 0o700);
    for (const name of readdirSync(folder)) assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name);
    assert.equal(statSync(key).mode & 0o777, 0o600);
    const pem = readFileSync(key, 'utf8').split('\n')[1] ?? '';
    for (const name of readdirSync(folder)) assert.ok(!readFileSync(join(folder, name), 'latin1').includes(pem), name);
    assert.match(readFileSync(publicKey, 'utf8'), /^sallyport\/[0-9a-f]{16}\+[0-9a-f]{8}\+[\w+/]{44}\n$/);
  });
});

suite('starting again', () => {
  const isInserted = (error: unknown): boolean => error instanceof AuditLogDamaged && error.fault?.kind === 'inserted';

  test('a log goes on where it was closed, in a new segment', () => {
    const stateDir = writtenLog([[record(1)]]);
    const log = openLog(stateDir);
    assert.equal(log.append([record(2)]), 4);
    log.close();
    assert.deepEqual(eventsOf(stateDir), ['open begin', 'close', 'open start', 'close']);
    const { crashes, size } = wholeOf(stateDir);
    assert.deepEqual([crashes, size], [0, 6]);
  });

  test('cut off at any byte after the last checkpoint it goes on with all whole records, and says what was torn', () => {
    const stateDir = newStateDir();
    const log = openLog(stateDir);
    log.append([record(1)]);
    log.checkpoint();
    const { records, hashes } = segmentOf(folderOf(stateDir), 0);
    const signedBytes = statSync(records).size;
    log.append([record(2), record(3, 'é')]);
    const all = readFileSync(records);
    for (let bytes = signedBytes; bytes <= all.length; bytes += 3) {
      const crashed = copied(stateDir);
      truncateSync(segmentOf(folderOf(crashed), 0).records, bytes);
      const whole = all.subarray(0, bytes).toString().split('\n').length - 1;
      truncateSync(segmentOf(folderOf(crashed), 0).hashes, Math.min(whole * 32, statSync(hashes).size));
      assert.equal(wholeOf(crashed).state, 'open');
      assert.equal(wholeOf(crashed).size, whole);
      const again = openLog(crashed);
      assert.equal(again.size, whole + 1);
      again.append([record(9)]);
      again.close();
      const open = ownOf(crashed).findLast((own) => own.event === 'open');
      const torn = bytes - all.subarray(0, bytes).lastIndexOf(0x0a) - 1;
      assert.deepEqual([open?.event === 'open' && open.cutBytes, wholeOf(crashed).crashes], [torn, 1]);
      assert.equal(wholeOf(crashed, { copies: [auditLogPlaces(crashed).lastCheckpoint] }).state, 'closed');
    }
  });

  test('what a crash leaves of hashes and checkpoints is made whole', () => {
    const stateDir = newStateDir();
    const log = openLog(stateDir);
    log.append([record(1)]);
    log.checkpoint();
    log.append([record(2), record(3)]);
    const { hashes, checkpoints } = segmentOf('', 0);
    for (const { name, spoil } of [
      { name: 'hashes are missing', spoil: (folder: string) => truncateSync(join(folder, hashes), 70) },
      { name: 'there are no hashes', spoil: (folder: string) => rmSync(join(folder, hashes)) },
      {
        name: 'a checkpoint is torn',
        spoil: (folder: string) => appendFileSync(join(folder, checkpoints), `${log.origin}\n4\nUNa`),
      },
    ]) {
      const crashed = copied(stateDir);
      spoil(folderOf(crashed));
      assert.equal(wholeOf(crashed).size, 4, name);
      const again = openLog(crashed);
      again.append([record(4)]);
      again.close();
      assert.deepEqual([wholeOf(crashed).size, wholeOf(crashed).state], [7, 'closed'], name);
    }
  });

  test('what somebody adds behind the close, or changes of what is not signed yet, is not signed by the next start', () => {
    const closed = writtenLog([[record(1)]]);
    appendFileSync(segmentOf(folderOf(closed), 0).records, '{"metadata":{"sequence":3,"uid":"false"}}\n');
    assert.throws(() => openLog(closed), isInserted);
    const open = newStateDir();
    openLog(open).append([record(1)]);
    const { records } = segmentOf(folderOf(open), 0);
    writeFileSync(records, readFileSync(records, 'utf8').replace('"r1"', '"r9"'));
    const { kind, sequence } = faultOf(open);
    assert.deepEqual([kind, sequence], ['changed', 1]);
    assert.throws(() => openLog(open), { code: 'audit_log_damaged' });
  });

  test('a forged past does not get signed: the tree before a segment is the one that a key of the log has signed', () => {
    const stateDir = newStateDir();
    const log = openLog(stateDir, { segmentBytes: 500 });
    for (let i = 0; i < 4; i++) log.append([record(i)]);
    const [before, last] = segmentsIn(folderOf(stateDir)).slice(-2);
    assert.ok(before && last);
    const { checkpoints } = before;
    const good = readFileSync(checkpoints, 'utf8');
    const lines = good.split('\n');
    const signature = lines.at(-2) ?? '';
    writeFileSync(
      checkpoints,
      good.replace(
        signature,
        signature.replace(/.(?=.{5}$)/, (one) => (one === 'A' ? 'B' : 'A')),
      ),
    );
    rmSync(last.checkpoints);
    assert.throws(() => openLog(stateDir), { code: 'audit_log_damaged' });
    writeFileSync(checkpoints, good);

    // Nor may the first record of the segment, which is not signed either, tell of another tree.
    rmSync(last.hashes);
    const records = readFileSync(last.records, 'utf8');
    writeFileSync(last.records, records.replace(/"frontier":\["..../, '"frontier":["AAAA'));
    assert.throws(() => openLog(stateDir), { code: 'audit_log_damaged' });
    writeFileSync(last.records, records);
    openLog(stateDir).close();
  });

  test('hashes that are gone of a closed log are found by who verifies, and made again by the next start', () => {
    const stateDir = writtenLog([[record(1)]]);
    rmSync(segmentOf(folderOf(stateDir), 0).hashes);
    const { kind, sequence } = faultOf(stateDir);
    assert.deepEqual([kind, sequence], ['bad-hashes', 0]);
    openLog(stateDir).close();
    assert.equal(wholeOf(stateDir).size, 5);
  });

  test('a crash before the first record of a segment leaves nothing that hinders', () => {
    for (const torn of ['', '{"metadata":{"seq']) {
      const stateDir = writtenLog([[record(1)]]);
      writeFileSync(segmentOf(folderOf(stateDir), 3).records, torn);
      assert.equal(wholeOf(stateDir).size, 3);
      const log = openLog(stateDir);
      log.close();
      assert.equal(wholeOf(stateDir).size, 5);
    }
  });

  test('a log whose records are not what was signed is not gone on with, and stays as it is', () => {
    for (const [name, spoil] of Object.entries({
      'a record': (stateDir: string) => {
        const { records } = segmentOf(folderOf(stateDir), 0);
        writeFileSync(records, readFileSync(records, 'utf8').replace('r1', 'r9'));
      },
      'the end': (stateDir: string) => truncateSync(segmentOf(folderOf(stateDir), 0).records, 600),
      'the keys': (stateDir: string) => truncateSync(auditLogPlaces(stateDir).keyChain, 20),
      'no keys': (stateDir: string) => rmSync(auditLogPlaces(stateDir).keyChain),
      'no private key': (stateDir: string) => rmSync(auditLogPlaces(stateDir).key),
      'the state of the folder': (stateDir: string) => {
        const earlier = copied(stateDir);
        openLog(stateDir).close();
        rmSync(folderOf(stateDir), { recursive: true });
        cpSync(folderOf(earlier), folderOf(stateDir), { recursive: true });
      },
      'another private key': (stateDir: string) => openSigningKeys(auditLogPlaces(stateDir)).makeCurrent(),
      'no segment': (stateDir: string) => {
        for (const file of Object.values(segmentOf(folderOf(stateDir), 0))) rmSync(String(file), { force: true });
      },
    })) {
      const stateDir = writtenLog([[record(1)]]);
      spoil(stateDir);
      const before = readdirSync(folderOf(stateDir)).map((file) => readFileSync(join(folderOf(stateDir), file), 'hex'));
      assert.throws(() => openLog(stateDir), { code: 'audit_log_damaged' }, name);
      const after = readdirSync(folderOf(stateDir)).map((file) => readFileSync(join(folderOf(stateDir), file), 'hex'));
      assert.deepEqual(after, before, name);
    }
  });
});

/** Has the kernel answer ENOSPC to every write to an open file. @returns what gives it room again */
function fillDisk(path: string): () => void {
  const fd = Number(readdirSync('/proc/self/fd').find((one) => targetOf(one) === path));
  closeSync(fd);
  assert.equal(openSync('/dev/full', 'a'), fd, 'it has the number of the file');
  return () => {
    closeSync(fd);
    assert.equal(openSync(path, 'a'), fd);
  };
}

function targetOf(fd: string): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return undefined;
  }
}

test('a log that was moved away is named by the one that begins in its place', () => {
  const stateDir = writtenLog([[record(1)]]);
  const [before] = ownOf(stateDir);
  rmSync(folderOf(stateDir), { recursive: true });
  const log = openLog(stateDir);
  log.close();
  const [open] = ownOf(stateDir);
  assert.ok(before?.event === 'open' && open?.event === 'open');
  assert.notEqual(open.log, before.log);
  assert.deepEqual([before.replaces, open.replaces], [undefined, `${before.log} of 3 records`]);
  assert.equal(wholeOf(stateDir, { copies: [auditLogPlaces(stateDir).lastCheckpoint] }).size, 2);
});

suite('a disk that takes nothing', () => {
  for (const name of ['records', 'hashes'] as const) {
    test(`a group that does not get into the file of ${name} is not in the log, and can be written later`, () => {
      const stateDir = newStateDir();
      const log = openLog(stateDir);
      log.append([record(1)]);
      const giveRoom = fillDisk(segmentOf(folderOf(stateDir), 0)[name]);
      for (let i = 0; i < 3; i++) {
        const systemCode = i === 0 ? 'ENOSPC' : 'EINVAL'; // that device cannot be cut, either
        assert.throws(() => log.append([record(2), record(3)]), { code: 'audit_log_write', systemCode });
        assert.equal(log.size, 2);
      }
      giveRoom();
      assert.equal(log.append([record(2)]), 2);
      log.close();
      assert.deepEqual([wholeOf(stateDir).size, wholeOf(stateDir).gaps], [4, []]);
    });
  }

  test('a checkpoint that does not get onto the disk is told, and signed a second later', () => {
    const stateDir = newStateDir();
    const clock = settableClock();
    const failures: string[] = [];
    const log = openLog(stateDir, { clock, onFailure: ({ systemCode }) => failures.push(systemCode) });
    log.append([record(1)]);
    const giveRoom = fillDisk(segmentOf(folderOf(stateDir), 0).checkpoints);
    clock.advance(2_000);
    assert.deepEqual([failures.length, failures[0], log.signed], [2, 'ENOSPC', 1]);
    giveRoom();
    clock.advance(1_000);
    assert.deepEqual([failures.length, log.signed], [2, 2]);
    log.close();
    assert.equal(wholeOf(stateDir).state, 'closed');
  });

  test('records that were given up leave a gap that says how many, from when to when, and why', () => {
    const stateDir = newStateDir();
    const clock = settableClock(1_700_000_000_000);
    const log = openLog(stateDir, { clock });
    const giveRoom = fillDisk(segmentOf(folderOf(stateDir), 0).records);
    assert.throws(() => log.append([record(1), record(2)]));
    log.lose(2, 1_700_000_000_000, 'ENOSPC');
    clock.advance(700);
    assert.throws(() => log.append([record(3)]));
    log.lose(1, 1_700_000_000_700, 'EIO');
    clock.advance(300);
    giveRoom();
    assert.equal(log.append([record(4)]), 2, 'the gap has its own number before it');
    assert.equal(log.append([record(5)]), 3, 'and comes once');
    log.close();
    assert.deepEqual(wholeOf(stateDir).gaps, [
      { event: 'gap', lost: 3, fromMs: 1_700_000_000_000, untilMs: 1_700_000_001_000, reason: 'ENOSPC' },
    ]);
  });

  test('a new segment for which there is no room leaves nothing, and begins later', () => {
    const stateDir = newStateDir();
    const log = openLog(stateDir, { segmentBytes: 500 });
    log.append([record(1), record(2)]);
    // Where its file of records would come there is a folder.
    const next = segmentOf(folderOf(stateDir), log.size).records;
    mkdirSync(next);
    assert.throws(() => log.append([record(3)]), { code: 'audit_log_write' });
    assert.equal(log.size, 3);
    rmdirSync(next);
    assert.equal(log.append([record(3)]), 4);
    log.close();
    assert.equal(wholeOf(stateDir).size, log.size);
  });
});

suite('changing the key', () => {
  test('the old key vouches for the new one: each of them verifies the whole log', () => {
    const stateDir = newStateDir();
    const log = openLog(stateDir);
    const { publicKey, key, folder } = auditLogPlaces(stateDir);
    const texts = [readFileSync(publicKey, 'utf8')];
    for (let i = 0; i < 3; i++) {
      log.append([record(i)]);
      const pem = readFileSync(key, 'utf8');
      const made = log.rotateKey();
      assert.notEqual(readFileSync(key, 'utf8'), pem);
      texts.push(readFileSync(publicKey, 'utf8'));
      assert.equal(texts.at(-1), `${made}\n`);
    }
    log.append([record(9)]);
    log.close();
    for (const text of texts) {
      writeFileSync(publicKey, text);
      assert.equal(wholeOf(stateDir).keys.length, 4);
    }
    assert.ok(existsSync(folder));
    const again = openLog(stateDir);
    again.close();
    assert.equal(wholeOf(stateDir).state, 'closed');
  });

  test('after a change the old key signs nothing more that counts', () => {
    const stateDir = newStateDir();
    const log = openLog(stateDir);
    const { key, keyChain } = auditLogPlaces(stateDir);
    const oldPem = readFileSync(key, 'utf8');
    const oldChain = readFileSync(keyChain, 'utf8');
    log.rotateKey();
    log.append([record(1)]);
    log.close();
    // Whoever stole the old key writes on as if nothing had been.
    writeFileSync(key, oldPem);
    const newChain = readFileSync(keyChain, 'utf8');
    assert.throws(() => openLog(stateDir), { code: 'audit_log_damaged' });
    writeFileSync(keyChain, oldChain);
    assert.throws(() => openLog(stateDir), { code: 'audit_log_damaged' });
    const verdict = verified(stateDir);
    assert.equal(verdict.kind === 'broken' && verdict.fault.kind, 'bad-signature');
    writeFileSync(keyChain, newChain);
    wholeOf(stateDir);
  });

  test('a log that was set back to before a change of its key is found by the statement of that', () => {
    const stateDir = newStateDir();
    const log = openLog(stateDir);
    log.append([record(1)]);
    log.checkpoint();
    const earlier = copied(stateDir);
    log.rotateKey();
    log.close();
    for (const name of ['keyChain', 'key', 'publicKey'] as const) {
      writeFileSync(auditLogPlaces(earlier)[name], readFileSync(auditLogPlaces(stateDir)[name]));
    }
    const { kind, sequence } = faultOf(earlier);
    assert.deepEqual([kind, sequence], ['truncated', 2]);
    assert.throws(() => openLog(earlier), { code: 'audit_log_damaged' });
  });

  test('a key that was laid there for a running log takes over within a second', () => {
    const stateDir = newStateDir();
    const clock = settableClock();
    const log = openLog(stateDir, { clock });
    openSigningKeys(auditLogPlaces(stateDir)).makeNext();
    clock.advance(1_000);
    assert.ok(!existsSync(auditLogPlaces(stateDir).nextKey));
    log.close();
    assert.equal(wholeOf(stateDir).keys.length, 2);
  });

  for (const step of ['before it is vouched for', 'before it takes its place', 'while it takes its place'] as const) {
    test(`a crash ${step} is made good at the next start`, () => {
      const stateDir = newStateDir();
      const log = openLog(stateDir);
      log.append([record(1)]);
      log.checkpoint();
      const crashed = copied(stateDir);
      const keys = openSigningKeys(auditLogPlaces(crashed));
      keys.makeNext();
      const [old, next] = [keys.current(log.origin), keys.next(log.origin)];
      assert.ok(old && next);
      const head = parseCheckpoint(readFileSync(auditLogPlaces(crashed).lastCheckpoint, 'utf8'));
      assert.equal(head?.size, 2);
      if (step !== 'before it is vouched for') {
        appendFileSync(auditLogPlaces(crashed).keyChain, signKey(old, next, head));
      }
      if (step === 'while it takes its place') keys.publish(next);
      const again = openLog(crashed);
      again.append([record(2)]);
      again.close();
      assert.ok(!existsSync(auditLogPlaces(crashed).nextKey));
      assert.deepEqual([wholeOf(crashed).keys.length, wholeOf(crashed).keys[1]], [2, next.verifier.text]);
    });
  }
});

suite('retention', () => {
  const DAY_MS = 86_400_000;

  /** A segment a day, of four days. */
  function fourDays() {
    const stateDir = newStateDir();
    let day = 10;
    const clock = { ...settableClock(), nowMs: () => day * DAY_MS };
    const log = openLog(stateDir, { clock, segmentBytes: 1 });
    for (; day < 14; day++) log.append([record(day), record(day)]);
    return { stateDir, log };
  }

  test('what is older is deleted, the log says so, and all that is left verifies', () => {
    const { stateDir, log } = fourDays();
    const before = segmentsIn(folderOf(stateDir)).length;
    assert.equal(log.retain(10 * DAY_MS), 0, 'a segment that begins then is not older');
    const deletedBefore = log.retain(12 * DAY_MS + 1);
    assert.ok(deletedBefore > 0);
    assert.equal(log.signed, log.size, 'what it says is signed before anything is gone');
    const segments = segmentsIn(folderOf(stateDir));
    assert.equal(segments.length, before + 1, 'hashes and checkpoints of the deleted ones stay');
    for (const { first, records } of segments) assert.equal(existsSync(records), first >= deletedBefore, records);
    log.close();
    const whole = wholeOf(stateDir, { copies: [auditLogPlaces(stateDir).lastCheckpoint] });
    assert.deepEqual([whole.deletedBefore, whole.state], [deletedBefore, 'closed']);
    assert.ok(eventsOf(stateDir).includes('retain'));
    const again = openLog(stateDir);
    assert.ok(again.retain(14 * DAY_MS) > deletedBefore);
    again.close();
    wholeOf(stateDir);
  });

  test('a segment that is gone without being said to be is told from one that retention deleted', () => {
    const { stateDir, log } = fourDays();
    const deletedBefore = log.retain(11 * DAY_MS + 1);
    log.close();
    const next = segmentsIn(folderOf(stateDir)).find(({ first }) => first === deletedBefore);
    rmSync(next?.records ?? '');
    const { kind, sequence } = faultOf(stateDir);
    assert.deepEqual([kind, sequence], ['missing', deletedBefore]);
  });

  test('the statement of another log, or none, excuses nothing; nor may hashes of deleted records change', () => {
    const { stateDir, log } = fourDays();
    log.retain(12 * DAY_MS + 1);
    log.close();
    const { retention } = auditLogPlaces(stateDir);
    const good = readFileSync(retention);
    const other = fourDays();
    other.log.retain(12 * DAY_MS + 1);
    writeFileSync(retention, readFileSync(auditLogPlaces(other.stateDir).retention));
    assert.equal(faultOf(stateDir).kind, 'bad-statement');
    rmSync(retention);
    assert.deepEqual([faultOf(stateDir).kind, faultOf(stateDir).sequence], ['missing', 0]);
    for (let at = 0; at < good.length; at++) {
      const changed = Buffer.from(good);
      changed[at] = (changed[at] ?? 0) ^ 1;
      writeFileSync(retention, changed);
      assert.equal(faultOf(stateDir).kind, 'bad-statement');
    }
    writeFileSync(retention, good);
    const { hashes } = segmentOf(folderOf(stateDir), 0);
    const bytes = readFileSync(hashes);
    for (const changed of [bytes.subarray(32), Buffer.alloc(bytes.length), Buffer.concat([bytes, bytes])]) {
      writeFileSync(hashes, changed);
      assert.equal(faultOf(stateDir).sequence, 0);
    }
    writeFileSync(hashes, bytes);
    wholeOf(stateDir);
  });
});
