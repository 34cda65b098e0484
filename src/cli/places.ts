import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Flags } from './flags.ts';

/** The state directory that a command line means: flag, environment, `./.sallyport`. */
export function stateDirOf(flags: Flags, env: Readonly<Record<string, string | undefined>>): string {
  return resolve(flags.text('state-dir') ?? env['SALLYPORT_STATE_DIR'] ?? '.sallyport');
}

/** The configuration file that a command line means: flag, environment, `sallyport.yaml` where there is one. */
export function configFileOf(flags: Flags, env: Readonly<Record<string, string | undefined>>): string | undefined {
  const named = flags.text('config') ?? env['SALLYPORT_CONFIG'];
  if (named !== undefined) return resolve(named);
  return existsSync('sallyport.yaml') ? resolve('sallyport.yaml') : undefined;
}
