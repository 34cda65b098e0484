import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

/**
 * The product fetches only from public addresses, and no option loosens that: so it gets an internet of its own, a
 * network namespace in which such addresses are this machine's, and a hosts file that names them.
 */
const ADDRESSES = ['93.184.215.14', '10.9.9.9'];
const HOSTS = `127.0.0.1 localhost
93.184.215.14 img.example.org pictures.example.org
10.9.9.9 private.example.org
127.0.0.1 loopback.example.org
169.254.169.254 metadata.example.org
64:ff9b::a09:909 nat64.example.org
93.184.215.14 mixed.example.org
10.9.9.9 mixed.example.org
93.184.215.14 other.example
`;

test('in a network of its own the product fetches images, and upstream gets data: URLs alone', () => {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-network-'));
  const hosts = join(dir, 'hosts');
  writeFileSync(hosts, HOSTS);
  const resolver = join(dir, 'resolv.conf');
  writeFileSync(resolver, 'nameserver 127.0.0.1\n');
  const inside = fileURLToPath(new URL('./namespaced/remote-media.ts', import.meta.url));
  const commands = [
    'ip link set lo up',
    ...ADDRESSES.map((address) => `ip addr add ${address}/32 dev lo`),
    `mount --bind '${hosts}' /etc/hosts`,
    `mount --bind '${resolver}' /etc/resolv.conf`,
    // Its own report, not one to the runner of this test.
    'unset NODE_TEST_CONTEXT',
    `exec '${process.execPath}' --disable-warning=ExperimentalWarning '${inside}' '${dir}'`,
  ];
  const isRoot = process.getuid?.() === 0;
  const result = spawnSync(
    'unshare',
    [...(isRoot ? [] : ['--user', '--map-root-user']), '--net', '--mount', 'sh', '-ec', commands.join('\n')],
    { encoding: 'utf8', timeout: 120_000 },
  );
  rmSync(dir, { recursive: true, force: true });
  assert.equal(result.status, 0, `${result.stdout}\n${result.stderr}`);
  assert.match(result.stdout, /pass [1-9]/);
});
