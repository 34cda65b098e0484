import { existsSync, writeFileSync } from 'node:fs';
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

/** Where this machine keeps the certificates that it trusts: no secret, and installers fail without. */
const TRUST = ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'SSL_CERT_DIR', 'PIP_CERT', 'REQUESTS_CA_BUNDLE'];

/** An environment that holds nothing else of the caller's: installers and foreign gateways see no credential. */
export const EMPTY_ENV: NodeJS.ProcessEnv = {
  PATH: process.env['PATH'] ?? '/usr/bin:/bin',
  LANG: 'C.UTF-8',
  ...Object.fromEntries(TRUST.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]))),
};

/** Makes a Python environment of its own with packages from PyPI; its `bin`. @throws Error where that fails */
export async function python(installs: string, name: string, packages: readonly string[]): Promise<string> {
  const bin = join(installs, name, 'bin');
  const done = join(installs, name, 'installed');
  if (existsSync(done)) return bin;
  await debian('python3', 'python3-venv');
  await run('python3', ['-m', 'venv', join(installs, name)]);
  // Nothing of ours is there for an installer to read: some releases on PyPI have carried malware.
  const env = { ...EMPTY_ENV, HOME: join(installs, name) };
  await run(join(bin, 'pip'), ['install', '--quiet', '--disable-pip-version-check', ...packages], { env });
  writeFileSync(done, packages.join('\n'));
  return bin;
}

/** The version of an installed Python package. */
export async function pythonVersion(installs: string, name: string, packageName: string): Promise<string> {
  const out = await run(join(installs, name, 'bin', 'pip'), ['show', packageName], { env: EMPTY_ENV });
  return /^Version: (\S+)/m.exec(out)?.[1] ?? '?';
}
