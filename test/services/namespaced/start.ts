import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Runs a file of this folder in a network of its own, where every port is free, with names of its own in `/etc/hosts`.
 *
 * @param hosts addresses by name, beside localhost
 * @param dir where the file of names is written
 */
export function inNamespace(
  file: string,
  words: readonly string[],
  hosts: Readonly<Record<string, string>>,
  dir: string,
): SpawnSyncReturns<string> {
  const names = Object.entries(hosts).map(([name, address]) => `${address} ${name}\n`);
  const hostsFile = join(dir, 'hosts');
  writeFileSync(hostsFile, `127.0.0.1 localhost\n::1 localhost\n${names.join('')}`);
  const script = `
    ip link set lo up
    mount --bind '${hostsFile}' /etc/hosts
    unset NODE_TEST_CONTEXT
    exec "$@"`;
  const isRoot = process.getuid?.() === 0;
  return spawnSync(
    'unshare',
    [
      ...(isRoot ? [] : ['--user', '--map-root-user']),
      ...['--net', '--mount', 'sh', '-ec', script, 'sh'],
      ...[process.execPath, '--disable-warning=ExperimentalWarning', join(import.meta.dirname, file), ...words],
    ],
    { encoding: 'utf8', timeout: 540_000 },
  );
}
