import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { addContent, readContent } from '../../src/adapters/audit-log/content-files.ts';
import { openLog, record, wholeOf } from '../support/audit-log.ts';
import { auditRecords } from '../support/audit-records.ts';
import { settableClock } from '../support/clock.ts';
import { startProduct } from '../support/product.ts';

const DAY_MS = 86_400_000;

for (const durability of ['batched', 'strict'] as const)
  test(`with ${durability} a start deletes what is older than auditLog.retention; the rest verifies and is proven`, async (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'sallyport-retention-'));
    t.after(() => rmSync(dir, { recursive: true, force: true }));
    const stateDir = join(dir, 'state');
    const clock = settableClock(Date.now() - 5 * DAY_MS);
    const old = openLog(stateDir, { clock, segmentBytes: 600 });
    for (let day = 0; day < 5; day++) {
      old.append([record(day), record(day)]);
      old.checkpoint();
      clock.advance(DAY_MS);
    }
    old.close();
    const said = [1, 4].map((days) => ({
      requestId: `id-${days}`,
      timeMs: Date.now() - days * DAY_MS,
      parts: { prompt: Buffer.from('sealed') },
    }));
    addContent(stateDir, said);
    const configFile = join(dir, 'sallyport.yaml');
    writeFileSync(configFile, stringify({ auditLog: { retention: '2d', durability } }));
    const product = await startProduct(
      ['--config', configFile, '--upstream', 'http://127.0.0.1:9', '--workers', '1'],
      stateDir,
    );
    t.after(() => product.child.kill('SIGKILL'));
    assert.equal(await product.end(), 0);
    const { deletedBefore, size } = wholeOf(stateDir);
    assert.ok(deletedBefore > 0 && deletedBefore < old.size, String(deletedBefore));
    const left = await Promise.all(said.map((one) => readContent(stateDir, one)));
    assert.deepEqual(left, [{ prompt: Buffer.from('sealed') }, undefined]);
    const records = auditRecords(stateDir);
    assert.equal(records[0]?.metadata.sequence, deletedBefore);
    assert.ok(records.some(({ metadata }) => metadata.event_code === 'audit-log.retain'));
    for (const sequence of [0, deletedBefore, size - 1])
      assert.match(product.command('audit-log', 'prove', String(sequence)), /^c2sp\.org\/tlog-proof@v1/);
  });
