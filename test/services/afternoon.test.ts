import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { inNamespace } from './namespaced/start.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What `npm install -g sallyport` does, of the package that this tree makes. */
function install(prefix: string): number {
  const run = (command: string, ...words: string[]): string => {
    const { status, stdout, stderr } = spawnSync(command, words, { cwd: root, encoding: 'utf8' });
    assert.equal(status, 0, `${command} ${words.join(' ')}: ${stderr}`);
    return stdout;
  };
  const tarball = /^build\/\S+\.tgz$/m.exec(run(process.execPath, join(root, 'scripts/package.ts')))?.[0] ?? '';
  const startedMs = performance.now();
  run('npm', 'install', '--global', '--prefix', prefix, '--no-audit', '--no-fund', join(root, tarball));
  return performance.now() - startedMs;
}

test('the guide for one machine, from an empty directory: install, init, certificate, doctor, key, client', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-afternoon-'));
  // Without the scripts that make the package the sources stand for it.
  const isPackaged = existsSync(join(root, 'scripts/package.ts'));
  const prefix = join(dir, 'prefix');
  const ms = isPackaged ? install(prefix) : 0;
  if (isPackaged) {
    mkdirSync(join(dir, 'bin'));
    symlinkSync(join(prefix, 'bin', 'sallyport'), join(dir, 'bin', 'sallyport'));
  }
  const result = await inNamespace('afternoon.ts', [dir, String(ms)], { 'llm.example.org': '127.0.0.1' }, dir);
  process.stdout.write(result.stdout);
  rmSync(dir, { recursive: true, force: true });
  assert.equal(result.status, 0, `${result.stdout}\n${result.stderr}`);
  assert.match(result.stdout, /pass [1-9]/);
});
