import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { loadConfig, renderMistakes } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { CommandError } from './command.ts';
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

/** Configuration and the files that it names. @throws CommandError with all mistakes */
export function configOf(
  flags: Flags,
  env: Readonly<Record<string, string | undefined>>,
  overrides: object = {},
): { config: Config; filesNamed: readonly string[] } {
  const loaded = loadConfig({ file: configFileOf(flags, env), env, overrides });
  if (!loaded.ok) throw new CommandError(renderMistakes(loaded.mistakes));
  return loaded;
}
