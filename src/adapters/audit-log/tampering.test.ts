import assert from 'node:assert/strict';
import { appendFileSync, copyFileSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { copied, faultOf, record, verified, wholeOf, writtenLog } from '../../../test/support/audit-log.ts';
import { settableClock } from '../../../test/support/clock.ts';
import { auditLogPlaces, segmentOf } from './folder.ts';
import { openAuditLog } from './writer.ts';

/** One segment: 0 opens it, 1 to 4 are others', 5 closes it. */
const small = writtenLog([
  [record(1), record(2, 'é')],
  [record(3), record(4)],
]);
/** One segment with as few bytes as can be: each of them is spoilt. */
const tiny = writtenLog([[record(1, 'é')]]);
/** Three segments: a new one every 900 bytes. */
const large = writtenLog(
  Array.from({ length: 9 }, (_, i) => [record(2 * i), record(2 * i + 1)]),
  { segmentBytes: 900 },
);
const foreign = writtenLog([
  [record(1), record(2, 'é')],
  [record(3), record(4)],
]);
const folderOf = (stateDir: string): string => auditLogPlaces(stateDir).folder;
const firsts = (stateDir: string): number[] =>
  readdirSync(folderOf(stateDir)).flatMap((name) => (name.endsWith('.jsonl') ? [Number.parseInt(name, 10)] : []));
const segment = (stateDir: string, first: number) => segmentOf(folderOf(stateDir), first);

const work = copied(small);
const workTiny = copied(tiny);
const workLarge = copied(large);

/** Spoils one file of a log, checks, and puts it back. */
function withSpoilt<T>(file: string, spoilt: Uint8Array | string, check: () => T): T {
  const good = readFileSync(file);
  writeFileSync(file, spoilt);
  try {
    return check();
  } finally {
    writeFileSync(file, good);
  }
}

const changedAt = (bytes: Buffer, at: number): Buffer => {
  const changed = Buffer.from(bytes);
  changed[at] = (changed[at] ?? 0) ^ 1;
  return changed;
};
const without = (bytes: Buffer, from: number, to: number): Buffer =>
  Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
const insertedAt = (bytes: Buffer, at: number, text: string): Buffer =>
  Buffer.concat([bytes.subarray(0, at), Buffer.from(text), bytes.subarray(at)]);

const linesOf = (file: string): string[] => readFileSync(file, 'utf8').split('\n').slice(0, -1);
const textOf = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');

suite('every byte of a closed log', () => {
  test('the logs that are spoilt here hold', () => {
    assert.deepEqual([wholeOf(small).size, wholeOf(small).state], [6, 'closed']);
    assert.equal(wholeOf(large).state, 'closed');
    assert.ok(firsts(large).length >= 3);
  });

  test('of the records: a change, a deletion, an insertion at any place is found and names the record', () => {
    const file = segment(workTiny, 0).records;
    const good = readFileSync(file);
    for (let at = 0, sequence = 0; at <= good.length; at++) {
      // A newline before a record's own makes a line of its own behind it.
      const broken = good[at] === 0x0a ? sequence + 1 : sequence;
      const spoils: [Buffer, number][] = [
        at % 2 === 0 ? [insertedAt(good, at, 'x'), sequence] : [insertedAt(good, at, '\n'), broken],
      ];
      if (at < good.length) spoils.push([at % 3 === 0 ? without(good, at, at + 1) : changedAt(good, at), sequence]);
      for (const [spoilt, bad] of spoils) {
        withSpoilt(file, spoilt, () => assert.equal(faultOf(workTiny).sequence, bad, `byte ${at}`));
      }
      if (good[at] === 0x0a) sequence++;
    }
  });

  for (const name of ['hashes', 'checkpoints', 'keys'] as const) {
    test(`of the ${name}: a change, a deletion, an insertion at any place is found`, () => {
      const file = name === 'keys' ? auditLogPlaces(workTiny).keyChain : segment(workTiny, 0)[name];
      const good = readFileSync(file);
      for (let at = 0; at < good.length; at++) {
        const more = at % 2 === 0 ? without(good, at, at + 1) : insertedAt(good, at, 'A');
        for (const spoilt of [changedAt(good, at), more]) withSpoilt(file, spoilt, () => faultOf(workTiny));
      }
    });
  }

  test('of a larger log: any change, deletion or insertion in any file is found', () => {
    const names = readdirSync(folderOf(workLarge));
    const place = fc.record({
      name: fc.constantFrom(...names),
      at: fc.nat(),
      way: fc.nat({ max: 2 }),
      byte: fc.nat({ max: 255 }),
    });
    fc.assert(
      fc.property(place, ({ name, at, way, byte }) => {
        const file = join(folderOf(workLarge), name);
        const good = readFileSync(file);
        const i = at % good.length;
        const spoilt = [
          changedAt(good, i),
          without(good, i, i + 1),
          Buffer.concat([good.subarray(0, i), Buffer.of(byte), good.subarray(i)]),
        ][way];
        if (spoilt?.equals(good) !== false) return;
        withSpoilt(file, spoilt, () => {
          const verdict = verified(workLarge);
          assert.equal(verdict.kind, 'broken', `${name} at ${i}, way ${way}`);
        });
      }),
      { numRuns: 300 },
    );
  });

  test('the end cut off at any byte is found: of the records at the first that is gone', () => {
    const file = segment(workTiny, 0).records;
    const good = readFileSync(file);
    for (let length = 0, sequence = 0; length < good.length; length++) {
      withSpoilt(file, good.subarray(0, length), () =>
        assert.equal(faultOf(workTiny).sequence, sequence, `byte ${length}`),
      );
      if (good[length] === 0x0a) sequence++;
    }
    for (const other of [segment(workTiny, 0).checkpoints, auditLogPlaces(workTiny).keyChain]) {
      const all = readFileSync(other);
      for (let length = 0; length < all.length; length++) {
        withSpoilt(other, all.subarray(0, length), () => faultOf(workTiny));
      }
    }
  });
});

suite('whole records', () => {
  const file = segment(work, 0).records;
  const good = linesOf(file);

  test('any two that change places are found at the first of them', () => {
    for (let a = 0; a < good.length; a++) {
      for (let b = a + 1; b < good.length; b++) {
        const swapped = good.map((line, i) => (i === a ? (good[b] ?? '') : i === b ? (good[a] ?? '') : line));
        withSpoilt(file, textOf(swapped), () => {
          const { kind, sequence } = faultOf(work);
          assert.deepEqual([kind, sequence], ['out-of-order', a]);
        });
      }
    }
  });

  test('one that is gone is named as missing, the last one as truncated', () => {
    for (let gone = 0; gone < good.length; gone++) {
      withSpoilt(file, textOf(good.filter((_, i) => i !== gone)), () => {
        const { kind, sequence } = faultOf(work);
        assert.deepEqual([kind, sequence], [gone === good.length - 1 ? 'truncated' : 'missing', gone]);
      });
    }
  });

  test('one that stands there twice is named at its second place', () => {
    for (let twice = 0; twice < good.length; twice++) {
      for (let at = twice + 1; at <= good.length; at++) {
        withSpoilt(file, textOf(good.toSpliced(at, 0, good[twice] ?? '')), () => {
          const { kind, sequence } = faultOf(work);
          assert.deepEqual([kind, sequence], ['inserted', at]);
        });
      }
    }
  });

  test('one that was never written is named where it stands', () => {
    for (let at = 0; at <= good.length; at++) {
      withSpoilt(file, textOf(good.toSpliced(at, 0, `{"metadata":{"sequence":${at},"uid":"false"}}`)), () => {
        const { kind, sequence } = faultOf(work);
        assert.deepEqual([kind, sequence], ['inserted', at]);
      });
    }
  });

  test('one that is changed together with its hash leaves those in doubt that its checkpoint is the first to cover', () => {
    const spoilt = copied(small);
    const log = segment(spoilt, 0);
    const other = copied(small);
    writeFileSync(log.records, textOf(good.map((line, i) => (i === 4 ? line.replace('r4', 'r9') : line))));
    // The hashes of a log whose record that is.
    const hashes = readFileSync(segment(other, 0).hashes);
    hashes.fill(7, 4 * 32, 5 * 32);
    writeFileSync(log.hashes, hashes);
    const { kind, sequence, last } = faultOf(spoilt);
    assert.deepEqual([kind, sequence, last], ['changed', 3, 4]);
  });
});

suite('whole files', () => {
  test('records of another log in place of these are found, and named as foreign', () => {
    withSpoilt(segment(work, 0).records, readFileSync(segment(foreign, 0).records), () => {
      const { kind, sequence } = faultOf(work);
      assert.deepEqual([kind, sequence], ['foreign', 0]);
    });
  });

  test('checkpoints of another log in place of these are found, and named as foreign', () => {
    withSpoilt(segment(work, 0).checkpoints, readFileSync(segment(foreign, 0).checkpoints), () => {
      assert.equal(faultOf(work).kind, 'foreign');
    });
  });

  test('a whole other log in place of this one is found, and named as foreign', () => {
    const { kind, what } = faultOf(foreign, { keyOf: small });
    assert.equal(kind, 'foreign');
    assert.match(what, /sallyport\/[0-9a-f]{16}/);
  });

  test('the name of this log on checkpoints of a foreign key does not count', () => {
    const { folder } = auditLogPlaces(work);
    const theirs = readFileSync(segment(foreign, 0).checkpoints, 'utf8');
    const name = (stateDir: string) => readFileSync(auditLogPlaces(stateDir).publicKey, 'utf8').split('+')[0] ?? '';
    withSpoilt(join(folder, '0000000000000000.checkpoints'), theirs.replaceAll(name(foreign), name(work)), () => {
      assert.equal(faultOf(work).kind, 'bad-signature');
    });
  });

  test('each file that is gone is found', () => {
    for (const name of readdirSync(folderOf(large))) {
      const spoilt = copied(large);
      rmSync(join(folderOf(spoilt), name));
      const verdict = verified(spoilt);
      assert.equal(verdict.kind, 'broken', name);
      rmSync(spoilt, { recursive: true });
    }
  });

  test('each segment that is gone as a whole is found, the last one by the checkpoint that was kept', () => {
    for (const first of firsts(large)) {
      const spoilt = copied(large);
      for (const file of Object.values(segment(spoilt, first)).filter((one) => typeof one === 'string')) rmSync(file);
      const isLast = first === firsts(large).at(-1);
      const { kind, sequence } = faultOf(spoilt, { copies: [auditLogPlaces(spoilt).lastCheckpoint] });
      assert.deepEqual([kind, sequence], [isLast ? 'truncated' : 'missing', first]);
      if (isLast) assert.equal(wholeOf(spoilt).state, 'open', 'without that copy only the missing close tells');
      rmSync(spoilt, { recursive: true });
    }
  });

  test('files of two segments that change places are found', () => {
    const [a = 0, b = 0] = firsts(large);
    for (const kinds of [
      ['records'],
      ['hashes'],
      ['checkpoints'],
      ['records', 'hashes'],
      ['records', 'hashes', 'checkpoints'],
    ] as const) {
      const spoilt = copied(large);
      for (const kind of kinds) {
        const [one, other] = [segment(spoilt, a)[kind], segment(spoilt, b)[kind]];
        renameSync(one, `${one}.away`);
        renameSync(other, one);
        renameSync(`${one}.away`, other);
      }
      assert.equal(faultOf(spoilt).sequence, a, kinds.join());
      rmSync(spoilt, { recursive: true });
    }
  });

  test('a segment that was put in, or moved to another number, is found', () => {
    const [, b = 0] = firsts(large);
    const spoilt = copied(large);
    copyFileSync(segment(spoilt, b).records, segment(spoilt, b + 1).records);
    assert.ok(faultOf(spoilt).sequence <= b + 1);
    rmSync(segment(spoilt, b + 1).records);
    renameSync(segment(spoilt, b).records, segment(spoilt, b + 2).records);
    assert.ok(faultOf(spoilt).sequence <= b);
  });
});

suite('the whole set back', () => {
  test('a log that was set back to an earlier state, checkpoints and all, is found by the checkpoint kept elsewhere', () => {
    const stateDir = copied(small);
    const earlier = copied(small);
    const log = openAuditLog({ stateDir, clock: settableClock() });
    log.append([record(7)]);
    log.close();
    const { lastCheckpoint } = auditLogPlaces(stateDir);
    assert.equal(wholeOf(stateDir, { copies: [lastCheckpoint] }).size, 9);
    assert.equal(wholeOf(earlier).state, 'closed', 'by itself it cannot be told from one that was never longer');
    const { kind, sequence } = faultOf(earlier, { copies: [lastCheckpoint] });
    assert.deepEqual([kind, sequence], ['truncated', 6]);
  });

  test('an earlier checkpoint that was kept holds for the longer log, and one of another past does not', () => {
    const stateDir = copied(small);
    const kept = join(stateDir, 'kept');
    copyFileSync(auditLogPlaces(small).lastCheckpoint, kept);
    const log = openAuditLog({ stateDir, clock: settableClock() });
    log.append([record(7)]);
    log.close();
    wholeOf(stateDir, { copies: [kept] });

    // Whoever has the key signs another log of that name and size.
    const forked = copied(small);
    for (const name of ['records', 'hashes', 'checkpoints'] as const) rmSync(segment(forked, 0)[name]);
    rmSync(auditLogPlaces(forked).lastCheckpoint);
    const fork = openAuditLog({ stateDir: forked, clock: settableClock() });
    fork.append([record(1), record(2), record(3), record(9)]);
    fork.close();
    assert.equal(wholeOf(forked).size, 6);
    assert.equal(faultOf(forked, { copies: [kept] }).kind, 'bad-checkpoint');
  });

  test('a checkpoint that was kept counts only whole, of this log, and signed by its key', () => {
    const kept = join(work, 'kept');
    const good = readFileSync(auditLogPlaces(small).lastCheckpoint);
    for (let at = 0; at < good.length; at++) {
      writeFileSync(kept, changedAt(good, at));
      faultOf(work, { copies: [kept] });
    }
    copyFileSync(auditLogPlaces(foreign).lastCheckpoint, kept);
    assert.equal(faultOf(work, { copies: [kept] }).kind, 'foreign');
    rmSync(kept);
    wholeOf(work, { copies: [kept] });
  });

  test('the checkpoint over the end of a closed log cannot be taken away', () => {
    const file = segment(work, 0).checkpoints;
    const lines = linesOf(file);
    withSpoilt(file, textOf(lines.slice(0, -5)), () => assert.equal(faultOf(work).kind, 'bad-checkpoint'));
  });

  test('nothing can be added behind the end of a closed log, whole or torn', () => {
    const spoilt = copied(small);
    for (const more of ['{"metadata":{"sequence":6,"uid":"fal', 'se"}}\n']) {
      appendFileSync(segment(spoilt, 0).records, more);
      const { kind, sequence } = faultOf(spoilt);
      assert.deepEqual([kind, sequence], ['inserted', 6], more);
    }
  });
});
