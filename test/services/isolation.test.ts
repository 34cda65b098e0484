import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

test('in a network of its own vLLM is reached through the gateway only, and the tunnel shows no plain text', () => {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-isolation-'));
  const inside = fileURLToPath(new URL('./namespaced/isolation.ts', import.meta.url));
  const commands = [
    'ip link set lo up',
    // Names of network namespaces that nobody else sees.
    'mkdir -p /run/netns',
    'mount -t tmpfs tmpfs /run/netns',
    'unset NODE_TEST_CONTEXT',
    `exec '${process.execPath}' --disable-warning=ExperimentalWarning '${inside}' '${dir}'`,
  ];
  const result = spawnSync('unshare', ['--net', '--mount', 'sh', '-ec', commands.join('\n')], {
    encoding: 'utf8',
    timeout: 180_000,
  });
  rmSync(dir, { recursive: true, force: true });
  assert.equal(result.status, 0, `${result.stdout}\n${result.stderr}`);
  assert.match(result.stdout, /pass [1-9]/);
});
