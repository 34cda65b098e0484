import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './processes.ts';

/** Whether a command is on the path. */
export function hasCommand(name: string): boolean {
  return (process.env['PATH'] ?? '').split(':').some((folder) => folder !== '' && existsSync(join(folder, name)));
}

/** Installs a Debian package where the command is missing. @throws Error where that fails */
export async function debian(command: string, packageName: string): Promise<void> {
  if (hasCommand(command)) return;
  await run('apt-get', ['install', '-y', '--no-install-recommends', packageName], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
}

/** An environment that holds nothing of the caller's: installers and foreign gateways see no credential. */
export const EMPTY_ENV: NodeJS.ProcessEnv = { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LANG: 'C.UTF-8' };
