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
    let size = 0;
    // A gateway that ran for a moment on each day: each start begins a segment.
    for (let day = 5; day > 0; day--) {
      const old = openLog(stateDir, { clock: settableClock(Date.now() - day * DAY_MS) });
      old.append([record(day), record(day)]);
      old.close();
      size = old.size;
    }
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
    const now = wholeOf(stateDir);
    const { deletedBefore } = now;
    assert.ok(deletedBefore > 0 && deletedBefore < size, String(deletedBefore));
    const left = await Promise.all(said.map((one) => readContent(stateDir, one)));
    assert.deepEqual(left, [{ prompt: Buffer.from('sealed') }, undefined]);
    const records = auditRecords(stateDir);
    assert.equal(records[0]?.metadata.sequence, deletedBefore);
    assert.ok(records.some(({ metadata }) => metadata.event_code === 'audit-log.retain'));
    for (const sequence of [0, deletedBefore, now.size - 1])
      assert.match(product.command('audit-log', 'prove', String(sequence)), /^c2sp\.org\/tlog-proof@v1/);
  });
