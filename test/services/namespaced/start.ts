import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

/** How a file ended that ran in a namespace. */
export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a file of this folder in a network of its own, where every port is free, with names of its own in `/etc/hosts`.
 *
 * @param hosts addresses by name, beside localhost
 * @param dir where the file of names is written
 */
export async function inNamespace(
  file: string,
  words: readonly string[],
  hosts: Readonly<Record<string, string>>,
  dir: string,
): Promise<Ended> {
  const names = Object.entries(hosts).map(([name, address]) => `${address} ${name}\n`);
  const hostsFile = join(dir, 'hosts');
  writeFileSync(hostsFile, `127.0.0.1 localhost\n::1 localhost\n${names.join('')}`);
  const script = `
    ip link set lo up
    mount --bind '${hostsFile}' /etc/hosts
    unset NODE_TEST_CONTEXT
    exec "$@"`;
  const isRoot = process.getuid?.() === 0;
  const child = spawn(
    'unshare',
    [
      ...(isRoot ? [] : ['--user', '--map-root-user']),
      // With process ids of its own: however this ends, nothing that was started in it is left.
      ...['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', 'sh', '-ec', script, 'sh'],
      ...[process.execPath, '--disable-warning=ExperimentalWarning', join(import.meta.dirname, file), ...words],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], timeout: 540_000 },
  );
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { status: await ended, stdout, stderr };
}
