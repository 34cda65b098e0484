import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { stringify } from 'yaml';
import { startSimulator } from '../../src/adapters/simulator-server/server.ts';
import { wholeOf } from '../support/audit-log.ts';
import { auditRecords } from '../support/audit-records.ts';
import { ask, type Answer } from '../support/http.ts';
import { startProduct } from '../support/product.ts';

/** A product whose state lies on a disk of its own, that can be filled. */
async function onSmallDisk(auditLog: object, run: (it: Awaited<ReturnType<typeof started>>) => Promise<void>) {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-audit-full-'));
  const disk = join(dir, 'disk');
  mkdirSync(disk);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', disk]);
  writeFileSync(join(dir, 'sallyport.yaml'), stringify({ auditLog }));
  const it = await started(dir, disk);
  try {
    await run(it);
  } finally {
    it.product.child.kill('SIGKILL');
    await it.simulator.close();
    await setTimeout(200);
    execFileSync('umount', [disk]);
    rmSync(dir, { recursive: true, force: true });
  }
}

async function started(dir: string, disk: string) {
  const simulator = await startSimulator({ host: '127.0.0.1', port: 0, models: ['tiny'], chunkIntervalMs: 0 });
  const stateDir = join(disk, 'state');
  mkdirSync(stateDir, { mode: 0o700 });
  const words = ['--config', join(dir, 'sallyport.yaml'), '--upstream', simulator.url, '--workers', '1'];
  const product = await startProduct(words, stateDir);
  const { key } = JSON.parse(product.command('keys', 'create', '--name', 'full', '--json')) as { key: string };
  const ca = readFileSync(product.caFile, 'utf8');
  const said = async (event: string): Promise<void> => {
    for (let i = 0; i < 200 && !product.lines.some((line) => line.includes(event)); i++) await setTimeout(50);
    assert.ok(
      product.lines.some((line) => line.includes(event)),
      event,
    );
  };
  return {
    ...{ simulator, stateDir, product, said },
    ask: (): Promise<Answer> => ask({ url: product.url, ca, port: 0 }, { key }),
    fill: () => assert.throws(() => writeFileSync(join(disk, 'ballast'), Buffer.alloc(5 * 1024 * 1024)), /ENOSPC/),
    empty: () => rmSync(join(disk, 'ballast')),
  };
}

/** Requests of which the log has no end. */
const missingOf = (stateDir: string, answers: readonly Answer[]): number => {
  const ids = new Set(auditRecords(stateDir).map(({ metadata }) => metadata.uid));
  return answers.filter(({ headers }) => !ids.has(String(headers['x-request-id']))).length;
};

test('with onFailure continue all are answered on a full disk; once there is room their records follow, and the log holds', () =>
  onSmallDisk({ onFailure: 'continue' }, async (it) => {
    const answers = [await it.ask()];
    it.fill();
    for (let i = 0; i < 300; i++) answers.push(await it.ask());
    assert.ok(answers.every(({ status }) => status === 200));
    await it.said('"audit_log_failing"');
    it.empty();
    await it.said('"audit_log_recovered"');
    answers.push(await it.ask());
    assert.equal(await it.product.end(), 0);
    const { gaps, state } = wholeOf(it.stateDir);
    assert.equal(state, 'closed');
    const lost = gaps.reduce((sum, gap) => sum + gap.lost, 0);
    assert.equal(missingOf(it.stateDir, answers), lost);
  }));

for (const durability of ['batched', 'strict'])
  test(`with onFailure deny and ${durability} requests are refused on a full disk, and go on once there is room`, () =>
    onSmallDisk({ onFailure: 'deny', durability }, async (it) => {
      const answers = [await it.ask()];
      it.fill();
      let refused: Answer | undefined;
      for (let i = 0; i < 300 && refused === undefined; i++) {
        const answer = await it.ask();
        if (answer.status === 200) answers.push(answer);
        else refused = answer;
      }
      assert.equal(refused?.status, 503);
      assert.equal(refused.code, 'store_unavailable');
      await it.said('"audit_log_failing"');
      it.empty();
      await it.said('"audit_log_recovered"');
      answers.push(await it.ask());
      assert.equal(answers.at(-1)?.status, 200);
      assert.equal(await it.product.end(), 0);
      wholeOf(it.stateDir);
      assert.equal(missingOf(it.stateDir, answers), 0);
    }));
