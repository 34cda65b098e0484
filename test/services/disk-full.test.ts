import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startSimulator } from '../../src/adapters/simulator-server/server.ts';
import { ask } from '../support/http.ts';
import { startProduct } from '../support/product.ts';

test('with a full disk traffic goes on, an admin change is refused with the reason, and nothing acknowledged is lost', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-full-'));
  const disk = join(dir, 'disk');
  mkdirSync(disk);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', disk]);
  const simulator = await startSimulator({ host: '127.0.0.1', port: 0, models: ['tiny'], chunkIntervalMs: 0 });
  const stateDir = join(disk, 'state');
  mkdirSync(stateDir, { mode: 0o700 });
  let product = await startProduct(['--upstream', simulator.url, '--workers', '1'], stateDir);
  try {
    const create = (): string =>
      (JSON.parse(product.command('keys', 'create', '--name', 'full', '--json')) as { key: string }).key;
    const kept = create();
    const to = () => ({ url: product.url, ca: readFileSync(product.caFile, 'utf8'), port: 0 });
    assert.throws(() => writeFileSync(join(disk, 'ballast'), Buffer.alloc(4 * 1024 * 1024)), /ENOSPC/);
    let refusal = '';
    try {
      for (let i = 0; i < 50; i++) create();
    } catch (error) {
      refusal = String(error);
    }
    assert.match(refusal, /full/i, 'the change is refused, and says that the disk is full');
    assert.equal((await ask(to(), { key: kept })).status, 200, 'traffic goes on');
    rmSync(join(disk, 'ballast'));
    const afterwards = create();
    assert.equal((await ask(to(), { key: afterwards })).status, 200, 'with room again changes go on');
    await product.end('SIGKILL');
    product = await startProduct(['--upstream', simulator.url, '--workers', '1'], stateDir);
    for (const key of [kept, afterwards])
      assert.equal((await ask(to(), { key })).status, 200, 'nothing acknowledged is lost');
  } finally {
    await product.end();
    await simulator.close();
    execFileSync('umount', [disk]);
    rmSync(dir, { recursive: true, force: true });
  }
});
