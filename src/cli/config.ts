import { loadConfig, renderMistakes } from '../config/load.ts';
import { printableConfig, printConfig } from '../config/print.ts';
import { configJsonSchema } from '../config/schema.ts';
import type { Command, CommandIo } from './command.ts';
import type { Flags } from './flags.ts';
import { json } from './text.ts';
import { runVerb, type Verb } from './verbs.ts';
import { configFileOf } from './places.ts';
import { configOf } from './where.ts';

/** The configuration, looked at without starting anything. */
export const config: Command = {
  name: 'config',
  summary: 'check, print and describe the configuration',
  help: `sallyport config check [--config FILE] [--json]
sallyport config print [--config FILE] [--json]
sallyport config schema

check tells all mistakes at once, each with its path and what to do; print shows the effective values, secrets masked;
schema is the JSON Schema of sallyport.yaml for editors.

Example: sallyport config check --config sallyport.yaml`,
  run: (words, io) => runVerb('config', VERBS, [], words, io),
};

const VERBS: readonly Verb[] = [
  { name: 'check', kinds: {}, words: [], run: check },
  { name: 'print', kinds: {}, words: [], run: print },
  { name: 'schema', kinds: {}, words: [], run: schema },
];

function check(flags: Flags, io: CommandIo): Promise<number> {
  const file = configFileOf(flags, io.env);
  const loaded = loadConfig({ file, env: io.env });
  const mistakes = loaded.ok ? [] : loaded.mistakes;
  if (flags.has('json')) io.out(json({ ok: loaded.ok, file: file ?? null, mistakes }));
  else if (loaded.ok) io.out(`${file ?? 'No file, all defaults'}: in order\n`);
  else io.err(renderMistakes(mistakes));
  return Promise.resolve(loaded.ok ? 0 : 1);
}

function print(flags: Flags, io: CommandIo): Promise<number> {
  const loaded = configOf(flags, io.env);
  io.out(flags.has('json') ? json(printableConfig(loaded.config)) : printConfig(loaded.config));
  return Promise.resolve(0);
}

function schema(_: Flags, io: CommandIo): Promise<number> {
  io.out(json(configJsonSchema()));
  return Promise.resolve(0);
}
