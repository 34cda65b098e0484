import { loadConfig, renderMistakes } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { CommandError } from './command.ts';
import type { Flags } from './flags.ts';
import { configFileOf } from './places.ts';

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
